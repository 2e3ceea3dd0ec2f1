// Units that share nothing but what each of them loads.
const HEAD_UNITS = 1u;
fn head_at(row: u32, unit: u32) -> Head { return Head(); }
