// Scores softly bounded: c·tanh(s / c). Beyond ±10 tanh is ±1 in f32 and some drivers overflow.
fn capped(score: f32) -> f32 { return p.softcap * tanh(clamp(score / p.softcap, -10.0, 10.0)); }
