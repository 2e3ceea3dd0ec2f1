/** What a program says of a step by its name and its attributes alone: the page and scripts ask here, not the program. */
export { localName, matchesPattern, pictureShape } from '../program/step.ts'
export { isEditable } from '../program/changes.ts'
export { maskName, seenEnd, seenRange } from '../program/mask.ts'
