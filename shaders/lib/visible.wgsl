// The positions [first, end) that a row sees: of a window of w those less than w away.
fn first_visible(at: Row) -> u32 { return at.position + 1u - min(p.window, at.position + 1u); }
fn end_visible(at: Row) -> u32 { return at.position + min(p.window, at.end - at.position); }
