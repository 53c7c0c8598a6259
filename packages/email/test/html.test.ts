import { describe, expect, it } from 'vitest'
import { EmailError, escapeHtml, type HtmlValue, html, htmlToText, unsafeHtml } from '../src/index.js'

describe('html`…`', () => {
  it('escapes every value in text and in attributes', () => {
    const evil = `<script>"&'</script>`
    const safe = '&lt;script&gt;&quot;&amp;&#39;&lt;/script&gt;'
    expect(`${html`<p title="${evil}">${evil}</p>`}`).toBe(`<p title="${safe}">${safe}</p>`)
  })

  it('takes markup, lists, numbers and nothing', () => {
    const items = ['a', 'b'].map((item) => html`<li>${item}</li>`)
    expect(`${html`<ul>${items}</ul>${0}${false}${null}${undefined}${unsafeHtml('<hr>')}`}`).toBe(
      '<ul><li>a</li><li>b</li></ul>0<hr>',
    )
  })

  it('drops control characters, which can cut a message short', () => {
    expect(escapeHtml('a\u0000b\u001bc\td\ne')).toBe('abc\td\ne')
  })

  it.each([
    'javascript:alert(1)',
    ' JavaScript:alert(1)',
    'java\nscript:alert(1)',
    '\u0001javascript:alert(1)',
    'vbscript:x',
    'data:text/html,<script>',
  ])('refuses %j as a link', (link) => {
    expect(() => html`<a href="${link}">x</a>`).toThrow(EmailError)
    expect(() => html`<a href='${link}'>x</a>`).toThrow(EmailError)
    expect(() => html`<img src="${link}">`).toThrow(EmailError)
  })

  it.each(['https://example.com/?a=1&b=2', 'mailto:a@b.example', 'tel:+491', 'cid:logo', '/path', '#top', '?q=a:b'])(
    'takes %j as a link',
    (link) => {
      expect(`${html`<a href="${link}">x</a>`}`).toBe(`<a href="${link.replaceAll('&', '&amp;')}">x</a>`)
    },
  )

  it('takes values further on in an address whose scheme is written down', () => {
    expect(`${html`<a href="https://example.com/${'a"b'}?q=${'javascript:x'}">x</a>`}`).toBe(
      '<a href="https://example.com/a&quot;b?q=javascript:x">x</a>',
    )
    expect(`${html`<a href="mailto:${'a@b.example'}">x</a>`}`).toBe('<a href="mailto:a@b.example">x</a>')
  })

  it('refuses templates that put a value where escaping cannot help', () => {
    const x: HtmlValue = 'onload=alert(1)'
    const mistakes = [
      () => html`<a href=${x}>x</a>`,
      () => html`<${x}>`,
      () => html`</${x}>`,
      () => html`<a ${x}>x</a>`,
      () => html`<a ${x}="1">x</a>`,
      () => html`<script>${x}</script>`,
      () => html`<style>${x}</style>`,
      () => html`<!-- ${x} -->`,
      () => html`<a href="java${x}">x</a>`,
      () => html`<a href="${'javascript'}${x}">x</a>`,
      () => html`<a href="${'javascript'}:${x}">x</a>`,
      () => html`<a href="`,
      () => html`<p`,
    ]
    for (const mistake of mistakes) expect(mistake, String(mistake)).toThrow(/written wrongly/)
  })

  it('refuses an object where only text can stand', () => {
    expect(() => html`<p title="${html`<b>x</b>`}">x</p>`).toThrow(EmailError)
    expect(() => html`<p>${{ toString: () => '<script>' } as unknown as string}</p>`).toThrow(EmailError)
  })

  it('keeps apart text after a script, a comment and a tag without attributes', () => {
    expect(`${html`<style>a > b { c: "d" }</style><!-- > -->1 < 2<br/>${'<'}`}`).toBe(
      '<style>a > b { c: "d" }</style><!-- > -->1 < 2<br/>&lt;',
    )
  })
})

describe('the text made from HTML', () => {
  it.each([
    ['<p>One</p><p>Two</p>', 'One\n\nTwo'],
    ['One<br>Two<br><br><br>Three', 'One\nTwo\n\nThree'],
    ['<div>One</div><div>Two</div>', 'One\nTwo'],
    ['<ul><li>One</li><li>Two</li></ul>', '- One\n- Two'],
    ['<a href="https://example.com/a?b=1&amp;c=2">Open</a>', 'Open (https://example.com/a?b=1&c=2)'],
    ['<a href="https://example.com">https://example.com</a>', 'https://example.com'],
    ['<a href="mailto:a@b.example">a@b.example</a>', 'a@b.example'],
    ['<a href="https://example.com"><img src="x.png" alt="Logo"></a>', 'Logo (https://example.com)'],
    ['<a href="#top">Top</a>', 'Top'],
    ['a &amp; b &lt;c&gt; &#39;d&#39; &#x2014; &nbsp; e &bogus;', "a & b <c> 'd' — e &bogus;"],
    ['<head><title>T</title><style>x{}</style></head><body>Text</body>', 'Text'],
    ['<div style="display:none">preview<div>inner</div></div>seen', 'seen'],
    ['<p hidden>a</p><p data-x="hidden">b</p>', 'b'],
    ['<!-- <p>no</p> -->yes<script>if (a < b) {}</script>', 'yes'],
    ['<table><tr><td>A</td><td>B</td></tr><tr><td>C</td></tr></table>', 'A B\nC'],
    ['  spaced   \n out ', 'spaced out'],
    ['1 < 2 <3', '1 < 2 <3'],
    ['a<hr>b', 'a\n\n---\n\nb'],
    ['family 👨‍👩‍👧 and می‌خواهم', 'family 👨‍👩‍👧 and می‌خواهم'],
  ])('%j reads %j', (markup, text) => {
    expect(htmlToText(markup)).toBe(text)
  })

  it.each(['<a "', '<!', '<!--', '<a href="x">', '&amp', '<', '<p', '"', '<a x=', ' hidden style='])(
    'takes linear time for %j repeated',
    (piece) => {
      // 1 MB: quadratic work would take minutes, and the test would time out.
      htmlToText(piece.repeat(1_000_000 / piece.length))
      htmlToText(`<p ${piece.repeat(1_000_000 / piece.length)}>`)
    },
  )
})
