// Does what the dialog asked for, and shows how a rotation goes on.
import { $, complain, isAsked, say } from './ask.js'
import { happening, load, refresh } from './live.js'
import { post } from './post.js'

const day = 86_400_000

/** @param one what is asked */
export async function perform(one) {
  const body = bodyOf(one)
  busy(true)
  try {
    const id = await begin(one, body)
    if (!isAsked(one)) return
    if (id === undefined) $('ask').close()
    else await follow(one, id)
  } catch (problem) {
    if (!isAsked(one)) return
    busy(false)
    complain(problem)
  } finally {
    refresh()
  }
}

function busy(is) {
  say('ask-error')
  say('ask-said', is ? 'Asking rekeyd …' : '')
  $('ask-fields').disabled = is
  $('ask-go').disabled = is
}

function bodyOf({ action, name, to }) {
  const { why = '', until, now, name: typed } = Object.fromEntries(new FormData($('ask-form')))
  const said = why.trim()
  if (action === 'pause') {
    const end = until && new Date(Date.now() + until * day).toISOString()
    return { reason: said, ...(end && { until: end }) }
  }
  return {
    ...(said && { why: said }),
    ...(typed === name && { accept_impact: typed }),
    ...(action === 'rotate' && now && { now: true }),
    ...(action === 'rollback' && { to: Number(to) }),
  }
}

/** The id of the rotation, where there is one. A rollback is answered at its end, but tells that it begins. */
async function begin({ action, name, key }, body) {
  const isIts = (type, { changes }) =>
    type === 'rotation.started' && changes.some(({ material }) => material === name)
  const begun = action === 'rollback' ? [happening(isIts, 30_000)] : []
  const answer = post(`/v1/materials/${name}/${action}`, body, { 'Idempotency-Key': key })
  const first = await Promise.race([answer, ...begun])
  return (first ?? (await answer)).id
}

/** Shows the log of a rotation until it has ended, or nobody looks any more. */
async function follow(one, id) {
  $('ask-go').hidden = true
  say('ask-cancel', 'Close')
  for (;;) {
    const more = happening((type, event) => type.startsWith('rotation.') && event.id === id, 1_000)
    const page = await load(`/rotations/${id}`)
    if (!isAsked(one)) return
    const log = page?.querySelector('.log')
    if (log && show(log)) return $('ask-cancel').focus()
    await more
  }
}

/** @returns whether it has ended */
function show(log) {
  const { said, ended = '' } = log.dataset
  $('ask-log').replaceChildren(document.adoptNode(log))
  if ($('ask-said').textContent !== said) say('ask-said', said)
  $('ask-said').className = ended
  return ended !== ''
}
