// Texts lie in the rows one after the other, each from its position 0: a row sees rows, not pages.
fn first_seen(row: u32) -> u32 { return row - min(row_at(row).position, p.window - 1u); }
fn text_begin(row: u32) -> u32 { return row - row_at(row).position; }
