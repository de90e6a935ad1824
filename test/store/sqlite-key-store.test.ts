import { describeKeyStore } from '../contracts/key-store.ts'
import { ScratchStore } from './scratch-store.ts'

describeKeyStore('SQLite', async () => {
  const scratch = new ScratchStore()
  const store = await scratch.create()
  return { ...store, dispose: () => scratch.dispose() }
})
