// How a workgroup shares a product: its threads go along k side by side and sum their parts (reduce provider).
const SPREAD = WORKGROUP; // threads that share one set of outputs
fn spread_index(group: u32, lane: Lane) -> u32 { return group; }
fn spread_begin(lane: Lane) -> u32 { return lane.index; }
fn spread_step(lane: Lane) -> u32 { return SPREAD; }
fn spread_sum(value: vec4f, lane: Lane) -> vec4f { return workgroup_sum(value, lane); }
