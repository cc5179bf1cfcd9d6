// What the page's modules hold in their hands. The first part is what the API answers and takes, under the names of its
// OpenAPI, as far as the page reads it: tests/unit/test_page_types.py holds it against the schema.

type JobStatus = "pending" | "processing" | "completed" | "failed" | "cancelled";

type Stage = "queued" | "synthesizing" | "retrying" | "assembling" | "done";

interface ParsedTurn {
  speaker: string;
  text: string;
  index: number;
  line?: number;
}

interface JobTurnBody {
  speaker: string;
  text: string;
  index: number;
  voice_id?: string | null;
}

interface VoiceAssignmentBody {
  speaker: string;
  voice_id: string;
  voice_name?: string | null;
}

interface JobRequest {
  provider: string;
  turns: JobTurnBody[];
  voice_assignments: VoiceAssignmentBody[];
  language: string;
  output_format: string;
  gap_ms: number;
  crossfade_ms: number;
  normalize?: boolean;
}

interface JobResponse {
  id: string;
  status: JobStatus;
  created_at: string;
  started_at: string | null;
  completed_at: string | null;
}

interface TurnTimingBody {
  turn_index: number;
  start_ms: number;
  end_ms: number;
}

interface ResultMetadata {
  duration_ms: number;
  synthesis_mode: string;
  turn_timings: TurnTimingBody[] | null;
  billed_characters: number;
  cached_characters: number;
}

interface Progress {
  stage: Stage;
  turns_done: number;
  turns_total: number;
  next_retry_at: string | null;
}

interface JobDetail extends JobResponse {
  input_params: JobRequest;
  result_metadata: ResultMetadata | null;
  error_code: string | null;
  error_message: string | null;
  retry_count: number;
  progress: Progress;
  elapsed_ms: number | null;
  expires_at: string | null;
  resubmitted_from: string | null;
  revised_from: string | null;
}

interface JobListItem extends JobResponse {
  title: string;
  progress: Progress;
  duration_ms: number | null;
  error_code: string | null;
  revised_from: string | null;
}

interface JobList {
  items: JobListItem[];
  total: number;
  total_is_exact: boolean;
  offset: number;
  next_cursor: string | null;
}

interface DownloadLink {
  url: string;
  expires_at: string;
}

interface Peaks {
  peaks: [number, number][];
}

interface ProviderBody {
  name: string;
  configured: boolean;
  synthesis_mode: string;
  max_speakers: number;
  character_limit: number;
  output_formats: string[];
  advanced_features: string[];
  missing_settings: string[];
  styles: string[];
  takes_any_style: boolean;
}

interface ProviderList {
  items: ProviderBody[];
}

interface VoiceBody {
  voice_id: string;
  voice_name: string;
  language: string;
  gender: string | null;
}

interface VoiceList {
  items: VoiceBody[];
}

interface ParseWarning {
  line: number;
  kind: string;
  message: string;
}

interface ParseChange {
  line: number;
  kind: string;
  from: string;
  to: string;
}

interface MergeSuggestion {
  speakers: string[];
}

interface ParsedDialogue {
  turns: ParsedTurn[];
  speakers: string[];
  is_valid: boolean;
  error: string | null;
  warnings: ParseWarning[];
  changes: ParseChange[];
  suggestions: MergeSuggestion[];
}

interface ProblemBody {
  field: string;
  message: string;
}

interface ErrorBody {
  error: string;
  message: string;
  details: Record<string, any> | null;
}

// The second part is the page's own.

interface JobDetail {
  /** The line that a provider refused, of a server that says so. */
  failed_turn?: number | null;
}

/** A voice as somebody or something has chosen it. */
interface Voice {
  voice_id: string;
  voice_name?: string | null;
}

interface CastVoice extends Voice {
  /** Chosen by a person: nothing else replaces it. */
  by_hand: boolean;
}

/** The voices of a single line, by provider. */
type LineVoices = Record<string, Voice>;

/** Who speaks what, with what, in which language. */
interface Scene {
  turns: ParsedTurn[];
  speakers: string[];
  provider: string | null;
  language: string;
}

interface VoiceSettings {
  language: string;
  languageByHand: boolean;
  format: string;
  gap: number;
  crossfade: number;
  normalize: boolean;
}

/** The form, as it is kept in this browser. Of one from an older page anything may be missing. */
interface Draft extends Partial<VoiceSettings> {
  mode?: "script" | "rows";
  text?: string;
  /** What the text is read as, where a person has said so. */
  readAs?: string;
  rows?: Row[];
  provider?: string | null;
  /** By provider: speaker and voice; in drafts of before, those of one provider only. */
  voices?: Record<string, [string, CastVoice][]> | [string, CastVoice][];
  /** By the place of the line. */
  ownVoices?: Record<string, LineVoices>;
}

/** A file as a text. */
interface Decoded {
  text: string;
  charset: string;
  /** Another encoding in which the file would be text. */
  orElse: string | null;
}

interface Row {
  speaker: string;
  text: string;
}

/** An element of a list, and what fills it with what is true now. */
interface Part<T> {
  element: HTMLElement;
  fill: (item: T, place: number) => void;
}

/** A call that happens once calls have stopped; `now` does it at once if one is due. */
interface Calm<R> {
  (): void;
  now: () => R | undefined;
}
