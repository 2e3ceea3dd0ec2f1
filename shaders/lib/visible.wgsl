// The positions that a row sees: up to its own, and of a window of w only the last w of those.
fn first_visible(position: u32) -> u32 { return position + 1u - min(p.window, position + 1u); }
