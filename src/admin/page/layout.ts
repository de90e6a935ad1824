import { versionedAsset } from './assets.ts'
import { type Html, html } from './html.ts'
import type { Visitor } from './visitor.ts'

/** A whole document around `main`. @param visitor absent where nobody has signed in */
export function layout(title: string, main: Html, visitor?: Visitor): string {
  return String(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${
  visitor?.csrf !== undefined &&
  html`<meta name="csrf" content="${visitor.csrf}">
`
}<title>${title}</title>
<link rel="icon" href="${versionedAsset('icon.svg')}">
<link rel="stylesheet" href="${versionedAsset('style.css')}">
${
  visitor &&
  html`<script type="module" src="${versionedAsset('script.js')}"></script>
`
}</head>
<body>
<header><a class="mark" href="/">rekeyd</a>${visitor && html`<span id="live" role="status"></span>${who(visitor)}`}</header>
<main>
${main}
</main>
</body>
</html>
`)
}

function who({ token, scope, csrf }: Visitor): Html | false {
  if (token === undefined) return html`<span class="who">admin socket</span>`
  const name = html`<span class="who"><b>${token}</b> (${scope})</span>`
  if (csrf === undefined) return name
  return html`<form class="who" method="post" action="/sign-out">${name}<input type="hidden" name="csrf" value="${csrf}"><button>Sign out</button></form>`
}
