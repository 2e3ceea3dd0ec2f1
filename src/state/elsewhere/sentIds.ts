/** Ids from here on are the page's own: larger than those of any vocabulary, small enough to index a row of logits. */
export const LOCAL_FROM = 2 ** 19

/** Whether an id is the model's, not one that the page gave to a text that an engine sent without one. */
export const isSent = (id: number): boolean => id < LOCAL_FROM
