// Levels 0 to 15: the nibbles of a unit.
fn level4(unit: Unit, part: u32) -> vec4f { return vec4f(unpack4xU8(nibbles(unit.quants, part))); }
