import { pointerTarget } from './pointer/pointer-target.ts'
import { tomlSyntax } from './pointer/toml-syntax.ts'

/** One string in a TOML file. */
export const toml = pointerTarget('toml', tomlSyntax)
