/** The regions of the training view: one file to fetch. */
export { CheckpointPanel } from './CheckpointPanel.tsx'
export { TrainSetup } from './TrainSetup.tsx'
export { TrainView } from './TrainView.tsx'
