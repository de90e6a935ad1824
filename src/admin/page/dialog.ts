import { html } from './html.ts'

/** What the script asks with before it starts anything; it fills in and shows the parts that it needs. */
export const dialog = html`
<dialog id="ask" aria-labelledby="ask-title">
<form id="ask-form" method="dialog">
<h2 id="ask-title" tabindex="-1"></h2>
<p id="ask-text"></p>
<p id="ask-impact" class="banner critical" hidden></p>
<p id="ask-refused" class="banner critical" role="alert" hidden></p>
<details id="ask-steps" hidden><summary>What happens, step by step</summary><ol></ol></details>
<fieldset id="ask-fields">
<label id="ask-until" hidden>Until<select name="until"><option value="">it is resumed</option><option value="1">tomorrow</option><option value="7">in a week</option><option value="30">in 30 days</option></select></label>
<label id="ask-why">Why, for the audit log<input name="why" maxlength="500" autocomplete="off"></label>
<label id="ask-now" class="check" hidden><input name="now" type="checkbox"> Outside its window, now</label>
<label id="ask-name" hidden><span></span><input name="name" autocomplete="off" autocapitalize="off" spellcheck="false"></label>
</fieldset>
<p id="ask-said" role="status"></p>
<div id="ask-log"></div>
<div id="ask-error" role="alert"></div>
<p class="buttons"><button type="button" id="ask-cancel">Cancel</button><button id="ask-go" class="primary"></button></p>
</form>
</dialog>`
