// Writes deploy/examples/reference.yaml anew from the schema, after an option was added or changed.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { reference } from '../src/config/reference.ts'

const path = join(import.meta.dirname, '../deploy/examples/reference.yaml')
writeFileSync(path, reference())
