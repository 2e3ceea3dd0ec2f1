// How a workgroup shares a product: its threads go along k side by side and sum their parts (reduce provider).
const REDUCERS = WORKGROUP; // threads that share one set of outputs
fn reduction_index(group: u32, invocation: Invocation) -> u32 { return group; }
fn reduction_begin(invocation: Invocation) -> u32 { return invocation.index; }
fn reduction_step(invocation: Invocation) -> u32 { return REDUCERS; }
fn reduction_sum(value: vec4f, invocation: Invocation) -> vec4f { return workgroup_sum(value, invocation); }
