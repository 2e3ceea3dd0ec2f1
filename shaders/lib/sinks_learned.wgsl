// A learned score of each head takes part in the softmax, and no value answers it.
@group(0) @binding(6) var<storage, read> sinks: array<f32>; // [heads]
fn sink_peak(head: u32) -> f32 { return sinks[head]; }
fn sink_weight(head: u32, peak: f32) -> f32 { return exp(sinks[head] - peak); }
