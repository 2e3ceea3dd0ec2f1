import { installDependencies } from './dependencies.mjs'
import { runMain } from './run.mjs'

await runMain(installDependencies)
