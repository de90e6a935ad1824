import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { type Ground, type Laid, put } from './ground.ts'

type Lay = (ground: Ground) => Laid

const isRoot = process.getuid?.() === 0
const longestName = 160

function accepted(path: string, real = path): Laid {
  return { path, real, verdict: 'accepted' }
}

function refused(path: string): Laid {
  return { path, verdict: 'refused' }
}

/** Folders below each other, as many as the case wants and one more. */
function deep({ inside, depth }: Ground): string {
  return join(inside, ...Array.from({ length: depth + 1 }, (_, index) => `d${index}`))
}

/** Something that no target can take the place of, by a hard link to the one thing of its kind. */
function thing(kind: 'fifo' | 'socket' | 'device'): Lay {
  return ({ odd, inside, name }) => {
    linkSync(join(odd.folder, kind), join(inside, name))
    return refused(join(inside, name))
  }
}

/** A folder above the target that is as given. */
function above(
  change: (folder: string) => void,
  verdict?: (ground: Ground) => Laid['verdict'],
): Lay {
  return (ground) => {
    const folder = deep(ground)
    const path = put(ground, join(folder, ground.name))
    let odd = folder
    for (let up = 0; up < ground.depth; up += 1) odd = dirname(odd)
    change(odd)
    const said = verdict ? verdict(ground) : 'refused'
    return { path, real: path, ...(said && { verdict: said }) }
  }
}

/** Links to something of a name that is not UTF-8, which no text can say. */
function unspeakable(ground: Ground): { readonly link: string; readonly real: Buffer } {
  const { inside, name } = ground
  const real = Buffer.concat([Buffer.from(`${inside}/caf`), Buffer.from([0xe9])])
  const link = join(inside, name)
  symlinkSync(real, link)
  return { link, real }
}

/** A path whose text alone is wrong. */
function misspelt(spell: (folder: string, name: string) => string): Lay {
  return (ground) => {
    const { inside, name } = ground
    put(ground, join(inside, 'd', name))
    return refused(spell(join(inside, 'd'), name))
  }
}

/** Names that a file may have. */
const oddNames = [
  ' ',
  '-rf',
  '$HOME',
  'a\nb',
  "it's",
  '"',
  '\\',
  'é',
  'e\u0301',
  '\x1b[2J',
  '%2e%2e',
  '...',
]

/** Everything that can stand at a path, or on the way to it. */
export const situations: Readonly<Record<string, Lay>> = {
  'nothing there': ({ inside, name, type }) => {
    const path = join(inside, name)
    // TOML, YAML and JSON must be there already.
    return /^(file|file_set|env)$/.test(type) ? accepted(path) : { path, real: path }
  },
  'a usual one': (ground) => accepted(put(ground, join(ground.inside, ground.name))),
  'a name that is odd': (ground) => {
    const name = oddNames[(ground.content.length + ground.depth) % oddNames.length] ?? ''
    return accepted(put(ground, join(ground.inside, name)))
  },
  'a case pair': (ground) => {
    writeFileSync(join(ground.inside, ground.name.toUpperCase()), 'another')
    return accepted(put(ground, join(ground.inside, ground.name)))
  },
  'links to it': (ground) => {
    const { inside, name, depth, isSet } = ground
    const real = put(ground, join(inside, 'real', name))
    for (let step = 0; step < depth; step += 1) {
      symlinkSync(step === 0 ? join('real', name) : `link${step - 1}`, join(inside, `link${step}`))
    }
    const path = join(inside, name)
    symlinkSync(depth === 0 ? real : `link${depth - 1}`, path)
    return accepted(path, isSet ? path : real)
  },
  'links on the way': (ground) => {
    const { inside, name, depth } = ground
    const real = put(ground, join(inside, 'real', name))
    const way = Array.from({ length: depth + 1 }, (_, index) => `w${index}`)
    way.forEach((step, index) =>
      symlinkSync(index === 0 ? 'real' : '.', join(inside, index === 0 ? step : `real/${step}`)),
    )
    return accepted(join(inside, ...way, name), real)
  },
  'a link that leads nowhere': ({ inside, name, isSet }) => {
    const path = join(inside, name)
    symlinkSync('nowhere', path)
    return isSet ? accepted(path) : refused(path)
  },
  'a link in a circle': ({ inside, name, depth }) => {
    const path = join(inside, name)
    symlinkSync(depth === 0 ? name : 'back', path)
    symlinkSync(name, join(inside, 'back'))
    return refused(path)
  },
  'a circle on the way': ({ inside, name }) => {
    symlinkSync('loop', join(inside, 'loop'))
    return refused(join(inside, 'loop', name))
  },
  'a link to a file': (ground) => {
    const { inside, name, isSet } = ground
    const path = join(inside, name)
    writeFileSync(join(inside, 'file'), ground.content, { mode: 0o640 })
    symlinkSync('file', path)
    return isSet ? refused(path) : accepted(path, join(inside, 'file'))
  },
  'a link to a folder': ({ inside, name, isSet }) => {
    const path = join(inside, name)
    mkdirSync(join(inside, 'folder'))
    symlinkSync('folder', path)
    return isSet ? accepted(path) : refused(path)
  },
  'a link to what is open to all': (ground) => {
    const { inside, outside, name, isSet } = ground
    const path = join(inside, name)
    chmodSync(outside, 0o777)
    symlinkSync(join(outside, isSet ? 'folder' : 'file'), path)
    return isSet ? { path, real: path } : refused(path)
  },
  'two names': (ground) => {
    const { inside, name, isSet } = ground
    const path = put(ground, join(inside, name))
    linkSync(path, join(inside, 'second'))
    return isSet ? accepted(path) : refused(path)
  },
  'a named pipe': thing('fifo'),
  'a socket': thing('socket'),
  'a device': (ground) =>
    ground.odd.present.has('device') ? thing('device')(ground) : thing('fifo')(ground),
  'a folder': ({ inside, name }) => {
    mkdirSync(join(inside, name, 'something'), { recursive: true })
    return refused(join(inside, name))
  },
  'a file on the way': ({ inside, name }) => {
    writeFileSync(join(inside, 'file'), 'no folder')
    return refused(join(inside, 'file', name))
  },
  'no folder': ({ inside, name }) => refused(join(inside, 'missing', name)),
  'a pipe on the way': ({ inside, name, odd }) => {
    linkSync(join(odd.folder, 'fifo'), join(inside, 'pipe'))
    return refused(join(inside, 'pipe', name))
  },
  immutable: ({ odd, type }) => {
    const path = join(odd.folder, 'immutable', type)
    return odd.present.has('immutable') ? refused(path) : { path, real: path }
  },
  'read-only': ({ odd, type, inside }) =>
    refused(
      odd.present.has('read-only') ? join(odd.folder, 'read-only', type) : join(inside, 'no', 'no'),
    ),
  'mounted by itself': ({ odd, inside }) =>
    refused(
      odd.present.has('bound') ? join(odd.folder, 'bound', 'file') : join(inside, 'no', 'no'),
    ),
  'another file system': (ground) => {
    const { abroad = ground.inside, name } = ground
    return accepted(put(ground, join(abroad, name)))
  },
  'a link to another file system': (ground) => {
    const { abroad = join(ground.inside, 'abroad'), inside, name, isSet } = ground
    const real = put(ground, join(abroad, name))
    const path = join(inside, name)
    symlinkSync(real, path)
    return accepted(path, isSet ? path : real)
  },
  "'..'": misspelt((folder, name) => `${folder}/../d/${name}`),
  'a NUL': misspelt((folder, name) => `${folder}/${name}\0`),
  'a slash at the end': misspelt((folder, name) => `${folder}/${name}/`),
  'two slashes': misspelt((folder, name) => `${folder}//${name}`),
  'no slash at the beginning': misspelt((_, name) => name),
  'a long name': (ground) => {
    const lengths = [longestName, longestName + 1, 255, 256]
    const length = lengths[ground.content.length % lengths.length] ?? 0
    const path = join(ground.inside, 'n'.repeat(length))
    if (length > 255) return refused(path)
    put(ground, path)
    return length > longestName ? refused(path) : accepted(path)
  },
  'a link to a long name': (ground) => {
    const { inside, name, isSet } = ground
    const real = put(ground, join(inside, 'n'.repeat(255)))
    symlinkSync(real, join(inside, name))
    return isSet ? accepted(join(inside, name)) : refused(join(inside, name))
  },
  'a long path': (ground) => {
    const { inside, name, depth } = ground
    const length = [3_700, 3_890, 4_090][depth] ?? 0
    let folder = inside
    while (folder.length + 252 < length) folder = join(folder, 'n'.repeat(250))
    folder = join(folder, 'n'.repeat(Math.max(1, length - folder.length - name.length - 2)))
    mkdirSync(folder, { recursive: true })
    symlinkSync(folder, join(inside, 'way'))
    const path =
      depth === 0 || ground.content.length % 2 === 0
        ? join(folder, name)
        : join(inside, 'way', name)
    // A set makes files in folders below.
    return length > 3_900 ? refused(path) : { path, real: join(folder, name) }
  },
  'a path longer than any': ({ inside, name }) => refused(join(inside, 'n/'.repeat(2_100), name)),
  'a link to a name that is no text': (ground) => {
    const { link, real } = unspeakable(ground)
    if (ground.isSet) mkdirSync(real)
    else writeFileSync(real, ground.content)
    return refused(link)
  },
  'no text on the way': (ground) => {
    const { link, real } = unspeakable(ground)
    mkdirSync(real)
    return refused(join(link, ground.name))
  },
  'a folder above that all may write to': above((folder) => chmodSync(folder, 0o777)),
  'a folder above like /tmp': above(
    (folder) => chmodSync(folder, 0o1777),
    ({ depth }) => (depth === 0 ? 'refused' : 'accepted'),
  ),
  'a folder above of a stranger': above((folder) =>
    isRoot ? chownSync(folder, 12_345, 12_345) : chmodSync(folder, 0o777),
  ),
  'a folder above that only its owner may enter': above(
    (folder) => chmodSync(folder, 0o700),
    () => 'accepted',
  ),
  'our own state': (ground) => {
    const state = join(ground.inside, 'state')
    put(ground, join(state, ground.name))
    symlinkSync('state', join(ground.inside, 'way'))
    return refused(join(ground.inside, ground.depth === 0 ? 'state' : 'way', ground.name))
  },
  'links among what we left': (ground) => {
    const { inside, outside, name } = ground
    for (const tag of [
      'check',
      'check.part',
      '1-r1',
      '1-r1.part',
      'link',
      'r1-new',
      'r1-new.part',
    ]) {
      symlinkSync(join(outside, 'folder'), join(inside, `.${name}.rekeyd-${tag}`))
    }
    return accepted(put(ground, join(inside, name)))
  },
  'folders among what we left': (ground) => {
    const { inside, name } = ground
    for (const tag of ['check.part', '1-r1', '1-r1.part', 'r1-new.part']) {
      const left = join(inside, `.${name}.rekeyd-${tag}`)
      mkdirSync(left)
      writeFileSync(join(left, 'file'), 'left')
    }
    return accepted(put(ground, join(inside, name)))
  },
  'pipes among what we left': (ground) => {
    const { inside, name, odd } = ground
    for (const tag of ['check', 'check.part', '1-r1', 'link']) {
      linkSync(join(odd.folder, 'fifo'), join(inside, `.${name}.rekeyd-${tag}`))
    }
    return accepted(put(ground, join(inside, name)))
  },
  'moved from elsewhere': (ground) => {
    const path = join(ground.inside, ground.name)
    renameSync(put({ ...ground, isSet: false }, join(ground.outside, 'moved')), path)
    return ground.isSet ? refused(path) : accepted(path)
  },
}
