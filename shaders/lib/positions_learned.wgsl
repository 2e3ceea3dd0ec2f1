// Learned positions are added to the token's embedding.
@group(0) @binding(5) var<storage, read> positions: array<vec4f>; // [context, hidden]
fn position4(position: u32, h4: u32) -> vec4f { return positions[position * p.y_stride4 + h4]; }
