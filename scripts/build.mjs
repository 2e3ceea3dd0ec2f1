import { installDependencies } from './dependencies.mjs'
import { runMain } from './run.mjs'
import { build } from './site.mjs'

await runMain(async () => {
  await installDependencies()
  await build()
})
