import { EmailError } from '../email-error.js'
import { invalid, oneLine } from './plain-text.js'

/** A file that travels with a message: its bytes, never a path or a URL. */
export interface EmailAttachment {
  /** The name shown, such as `invoice.pdf`; no directory part. */
  readonly filename: string
  /** The bytes themselves. */
  readonly content: Uint8Array
  /** The media type, such as `application/pdf`. */
  readonly contentType: string
  /** For an image shown in the HTML as `src="cid:logo"`: the part after `cid:`. */
  readonly contentId?: string | undefined
}

/** How many bytes of attachments one message takes: 10 MB after base64 has made them a third bigger. */
const ATTACHMENT_BYTES_LIMIT: number = Math.floor((10 * 1024 * 1024 * 3) / 4)

const CONTENT_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/i
const CONTENT_ID = /^[a-z0-9][a-z0-9._@-]{0,126}$/i

/** What Postmark refuses, and what mail clients will not open: files that run when opened. */
const EXECUTABLE =
  /\.(?:vbs|exe|bin|bat|chm|com|cpl|crt|hlp|hta|inf|ins|isp|jse?|lnk|mdb|pcd|pif|reg|scr|sct|shs|vbe|vba|wsf|wsh|wsl|msc|msi|msp|mst|dll|jar|ps1|cmd|app|sh)[. ]*$/i

/**
 * Checks attachments: names, types, executable files, and the size of them all together.
 *
 * @throws EmailError of kind `invalid`, or `payload-too-large`.
 */
export function parseAttachments(attachments: readonly EmailAttachment[] | undefined): readonly EmailAttachment[] {
  let total = 0
  const list = Array.from(attachments ?? [], (attachment, index) => {
    const parsed = parseAttachment(attachment, `attachments[${index}]`)
    total += parsed.content.byteLength
    return parsed
  })
  if (total > ATTACHMENT_BYTES_LIMIT) {
    throw new EmailError(
      'payload-too-large',
      `The email was refused: its attachments are ${total} bytes, and ${ATTACHMENT_BYTES_LIMIT} is the most that fits into 10 MB. Send a link instead.`,
    )
  }
  return list
}

function parseAttachment(input: EmailAttachment, field: string): EmailAttachment {
  if (typeof input !== 'object' || input === null) throw invalid(field, 'must be { filename, content, contentType }')
  const filename = oneLine(input.filename, `${field}.filename`, 200)
  if (filename.trim() === '' || /[/\\]/.test(filename)) throw invalid(`${field}.filename`, 'must be a bare file name')
  if (EXECUTABLE.test(filename)) throw invalid(`${field}.filename`, 'names a file that runs, which providers refuse')
  if (!(input.content instanceof Uint8Array)) throw invalid(`${field}.content`, 'must be bytes (a Uint8Array)')
  if (!CONTENT_TYPE.test(input.contentType)) throw invalid(`${field}.contentType`, 'must be a type/subtype')
  const { content, contentType, contentId } = input
  if (contentId === undefined) return Object.freeze({ filename, content, contentType })
  if (!CONTENT_ID.test(contentId)) throw invalid(`${field}.contentId`, 'must be letters, digits, and . _ @ -')
  return Object.freeze({ filename, content, contentType, contentId })
}
