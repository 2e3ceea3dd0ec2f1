// f32 weights: one vec4<u32> is four weights. Rows are padded to 4.
fn weight4(row: u32, k4: u32) -> vec4f { return bitcast<vec4f>(w[row * p.w_stride + k4]); }
