import { describeScheduleState } from '../contracts/schedule-state.ts'
import { ScratchStore } from './scratch-store.ts'

describeScheduleState('SQLite', async () => {
  const scratch = new ScratchStore()
  const store = await scratch.create()
  return { ...store, dispose: () => scratch.dispose() }
})
