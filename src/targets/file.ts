import { z } from 'zod'
import { SecretBytes } from '../model/secret-bytes.ts'
import { KeyedFile } from './keyed-file.ts'
import type { Slot } from './slot.ts'
import type { TargetType } from './target.ts'
import { fileOwnership, targetPath, writtenFields, writtenPart } from './written-part.ts'

const schema = z.strictObject({
  path: targetPath.describe('The file; symbolic links on the way to it stay.'),
  ...writtenPart,
  ...fileOwnership,
})

/** A file that is the value and nothing else. */
export const file: TargetType<z.output<typeof schema>> = {
  schema,
  create(options, { stateDir }) {
    return new KeyedFile({
      type: 'file',
      path: options.path,
      reads: 'file',
      slot: wholeFile,
      written: writtenFields(options),
      ownership: options,
      stateDir,
    })
  },
}

const wholeFile: Slot = {
  get: async (content) => SecretBytes.copyOf(content),
  set: async (_content, value) => SecretBytes.copyOf(value),
  remove: async () => undefined,
  restore: async (_content, before) => SecretBytes.copyOf(before),
}
