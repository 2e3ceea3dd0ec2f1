// Learned positions and the embedding of token type 0 are added to the token's embedding.
@group(0) @binding(5) var<storage, read> positions: array<vec4f>; // [context, hidden]
@group(0) @binding(6) var<storage, read> token_type: array<vec4f>; // [hidden]
fn position4(position: u32, h4: u32) -> vec4f { return positions[position * p.y_stride4 + h4] + token_type[h4]; }
