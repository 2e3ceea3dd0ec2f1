// Learned positions and the embedding of token type 0 are added to the token's embedding.
@group(0) @binding(5) var<storage, read> positions: array<vec4f>; // [context, hidden]
@group(0) @binding(6) var<storage, read> token_type: array<vec4f>; // [hidden]
fn position4(position: u32, k4: u32) -> vec4f {
  if (RAGGED == 0u) { return positions[position * p.k4 + k4] + token_type[k4]; }
  let at = position * p.k + k4 * 4u;
  return four_at(positions[at / 4u], positions[at / 4u + 1u], at) + token_type[k4];
}
