/** The words of the interface, by language. What the alerts say is never touched here. */

/**
 * @typedef {object} Strings
 * @property {string} language
 * @property {string} breaking
 * @property {string} region
 * @property {string} pause
 * @property {string} play
 * @property {string} previous
 * @property {string} next
 * @property {string} dismiss
 * @property {string} corrected
 * @property {string} updated
 * @property {string} pinned
 * @property {string} empty
 * @property {string} connecting
 * @property {string} polling
 * @property {string} offline
 * @property {string} asOf
 * @property {Record<string, string>} [fresh] the same where space is short
 * @property {Record<string, string>} alerts
 * @property {Intl.RelativeTimeFormat} [format] made when it is needed first
 */

/** @type {Record<string, Strings>} */
const LANGUAGES = {
  en: {
    language: 'en',
    breaking: 'Breaking',
    region: 'Breaking news',
    pause: 'Pause',
    play: 'Play',
    previous: 'Previous alert',
    next: 'Next alert',
    dismiss: 'Dismiss',
    corrected: 'corrected',
    updated: 'updated',
    pinned: 'pinned',
    empty: 'No alerts now.',
    connecting: 'connecting',
    polling: 'every 10 s',
    offline: 'offline',
    asOf: 'as of {n}',
    fresh: { other: '{n} new' },
    alerts: { one: '{n} new alert', other: '{n} new alerts' },
  },
  ar: {
    language: 'ar',
    breaking: 'عاجل',
    region: 'أخبار عاجلة',
    pause: 'إيقاف مؤقت',
    play: 'تشغيل',
    previous: 'الخبر السابق',
    next: 'الخبر التالي',
    dismiss: 'إغلاق',
    corrected: 'مصحَّح',
    updated: 'محدَّث',
    pinned: 'مثبَّت',
    empty: 'لا أخبار عاجلة الآن.',
    connecting: 'جارٍ الاتصال',
    polling: 'كل 10 ثوانٍ',
    offline: 'غير متصل',
    asOf: 'حتى {n}',
    alerts: {
      one: 'خبر عاجل جديد',
      two: 'خبران عاجلان جديدان',
      few: '{n} أخبار عاجلة جديدة',
      many: '{n} خبرًا عاجلاً جديدًا',
      other: '{n} خبر عاجل جديد',
    },
  },
  es: {
    language: 'es',
    breaking: 'Última hora',
    region: 'Última hora',
    pause: 'Pausar',
    play: 'Reanudar',
    previous: 'Alerta anterior',
    next: 'Alerta siguiente',
    dismiss: 'Cerrar',
    corrected: 'corregida',
    updated: 'actualizada',
    pinned: 'fijada',
    empty: 'Sin alertas ahora.',
    connecting: 'conectando',
    polling: 'cada 10 s',
    offline: 'sin conexión',
    asOf: 'a las {n}',
    fresh: { one: '{n} nueva', other: '{n} nuevas' },
    alerts: { one: '{n} alerta nueva', other: '{n} alertas nuevas' },
  },
};

/**
 * The strings of the first language that we speak, else English.
 * @param {...(string|null|undefined)} wishes language tags, the most wanted first
 */
export function stringsFor(...wishes) {
  for (const wish of wishes) {
    const known = wish && LANGUAGES[wish.toLowerCase().split('-')[0]];
    if (known) return known;
  }
  return LANGUAGES.en;
}

/**
 * @param {Strings} strings
 * @param {Record<string, string>} forms by the plural
 * @param {number} n
 */
export function count({ language }, forms, n) {
  const form = forms[new Intl.PluralRules(language).select(n)] ?? forms.other;
  return form.replace('{n}', n.toLocaleString(language));
}

/**
 * @param {Strings} strings
 * @param {number} ms of the reader's own clock
 */
export function asOf(strings, ms) {
  const form = /** @type {const} */ ({ timeStyle: 'short', hourCycle: 'h23' });
  return strings.asOf.replace('{n}', new Date(ms).toLocaleTimeString(strings.language, form));
}

/** @type {[Intl.RelativeTimeFormatUnit, number][]} */
const UNITS = [['day', 86_400_000], ['hour', 3_600_000], ['minute', 60_000]];

/**
 * @param {Strings} strings
 * @param {number} age milliseconds; what the clocks disagree on counts as now
 */
export function ago(strings, age) {
  // Making one takes longer than drawing a row.
  const format = (strings.format ??= new Intl.RelativeTimeFormat(strings.language, { style: 'short', numeric: 'auto' }));
  for (const [unit, ms] of UNITS) {
    if (age >= ms) return format.format(-Math.floor(age / ms), unit);
  }
  return format.format(0, 'second');
}
