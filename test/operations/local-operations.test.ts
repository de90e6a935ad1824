import { describeOperations } from '../contracts/operations.ts'

describeOperations('LocalOperations', async (operations) => ({
  operations,
  dispose: async () => {},
}))
