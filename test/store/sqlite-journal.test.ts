import { describeJournal } from '../contracts/journal.ts'
import { ScratchStore } from './scratch-store.ts'

describeJournal('SQLite', async () => {
  const scratch = new ScratchStore()
  const store = await scratch.create()
  return { ...store, dispose: () => scratch.dispose() }
})
