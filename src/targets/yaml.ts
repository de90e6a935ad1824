import { pointerTarget } from './pointer/pointer-target.ts'
import { yamlSyntax } from './pointer/yaml-syntax.ts'

/** One string in a YAML file. */
export const yaml = pointerTarget('yaml', yamlSyntax)
