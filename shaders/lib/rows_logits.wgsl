// Only the rows that need logits, written to their rows of the logits ring.
fn rows_active() -> u32 { return logit_count(); }
fn input_row(i: u32) -> u32 { return batch[logit_at(i)]; }
fn output_row(i: u32) -> u32 { return batch[logit_at(i) + 1u]; }
fn matrix_row(i: u32) -> u32 { return 0u; }
