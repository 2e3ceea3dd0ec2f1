// Two bits a weight: a unit is two words of the quants, weight 4·part + b at bits 8·b + 2·(part % 4) of word part / 4.
fn unit_index(row: u32, unit: u32) -> u32 { return row * p.w_stride * 2u + unit; }
fn quants_at(at: u32) -> vec4u { return vec4u(word_at(2u * at), word_at(2u * at + 1u), 0u, 0u); }
fn crumbs(quants: vec2u, part: u32) -> u32 { return (select(quants.x, quants.y, part >= 4u) >> (2u * (part % 4u))) & 0x03030303u; }
