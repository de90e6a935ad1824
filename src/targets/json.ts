import { jsonSyntax } from './pointer/json-syntax.ts'
import { pointerTarget } from './pointer/pointer-target.ts'

/** One string in a JSON file. */
export const json = pointerTarget('json', jsonSyntax)
