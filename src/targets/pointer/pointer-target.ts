import { z } from 'zod'
import { jsonPointerOption } from '../../support/json-pointer.ts'
import { KeyedFile } from '../keyed-file.ts'
import type { TargetType } from '../target.ts'
import { targetPath, writtenFields, writtenPart } from '../written-part.ts'
import { PointerValue } from './pointer-value.ts'
import type { Syntax } from './syntax.ts'

const schema = z.strictObject({
  path: targetPath.describe('The file; it has to exist.'),
  pointer: jsonPointerOption
    .refine((pointer) => !pointer.split('/').includes('__proto__'), { error: 'names no key' })
    .describe('Which key, as a JSON pointer: /auth/token is `token` in `auth`.'),
  ...writtenPart,
})

/** A target type that changes one string in a file of the given syntax. */
export function pointerTarget(type: string, syntax: Syntax): TargetType<z.output<typeof schema>> {
  return {
    schema,
    create(options, { stateDir }) {
      return new KeyedFile({
        type,
        path: options.path,
        key: options.pointer,
        reads: 'file',
        slot: new PointerValue(options.pointer, syntax),
        written: writtenFields(options),
        stateDir,
      })
    },
  }
}
