// The numbers of one optimiser step, which change without anything being bound anew.
//   control: 0 1 / counted tokens, of preferences 1 / pairs · 1 rate (adamw: over 1 − β₁ᵗ) · 2 adamw 1 / √(1 − β₂ᵗ), adafactor β₂ of this step · 3 factor on the
//   weights (1 − rate·decay), sgd: decay · 4 β₁ · 5 β₂ · 6 ε · 7 norm to clip at, 0 for none · 8 largest loss to learn from
//   9 adafactor: RMS to clip an update at · 10 1 − β₁ · 11 1 − β₂ · 12 β of a preference
//   statistics: 0 loss · 1 norm of the gradient · 2 factor that clips it · 3 1 when the step is taken
//   of preferences: 4 mean reward of the chosen answers · 5 of the rejected ones · 6 share whose chosen one has the larger
@group(0) @binding(2) var<storage, read> control: array<f32>;

fn is_finite(value: f32) -> bool { return (bitcast<u32>(value) & 0x7f800000u) != 0x7f800000u; }

fn element(group: vec3u, groups: vec3u, index: u32) -> u32 { return (group.y * groups.x + group.x) * WORKGROUP + index; }
