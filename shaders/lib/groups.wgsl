// Scales that are tensors of their own: a word for every group of 2^p.w_high units of a row, p.w_super of them a row, in the plane from
// word p.w_scales.
fn group_word(row: u32, unit: u32) -> u32 { return word_at(p.w_scales + row * p.w_super + (unit >> p.w_high)); }
