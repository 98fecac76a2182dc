/** The words of the desk, in the language of whoever sits at it. What alerts say is never touched here. No DOM. */

import { ar } from './words.ar.js';
import { en } from './words.en.js';
import { es } from './words.es.js';

/** @typedef {Record<string, string|Record<string, string>>} Dictionary */

/** @type {Record<string, Dictionary>} */
export const LANGUAGES = { en, ar, es };

export class Words {
  /** @type {Dictionary} */ #words;

  /** @param {string} language one of `LANGUAGES` */
  constructor(language) {
    this.language = language;
    this.direction = language === 'ar' ? 'rtl' : 'ltr';
    this.#words = LANGUAGES[language];
    this.plural = new Intl.PluralRules(language);
    this.figures = new Intl.NumberFormat(language);
    this.hour = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
    this.short = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
    this.day = new Intl.DateTimeFormat(language, { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
    this.relative = new Intl.RelativeTimeFormat(language, { style: 'narrow', numeric: 'auto' });
    this.spoken = new Intl.DisplayNames(language, { type: 'language' });
  }

  /**
   * A sentence; `{n}` chooses its form, and stands as a figure.
   * @param {string} name
   * @param {Record<string, string|number>} [values]
   * @returns {string}
   */
  say(name, values = {}) {
    const found = this.#words[name] ?? LANGUAGES.en[name] ?? name;
    const form = typeof found === 'string' ? found : found[this.plural.select(Number(values.n))] ?? found.other;
    return form.replace(/\{(\w+)\}/g, (_, value) => (typeof values[value] === 'number' ? this.number(values[value]) : String(values[value] ?? '')));
  }

  /** @param {string} name */
  has(name) {
    return name in this.#words;
  }

  /** @param {number} n */
  number(n) {
    return this.figures.format(n);
  }

  /** Figures in an order that stands, such as a countdown. @param {string} text */
  digits(text) {
    return text.replace(/\d+/g, (digits) => [...digits].map((digit) => this.figures.format(Number(digit))).join(''));
  }

  /** @param {number} ms since 1970 @param {number} now */
  time(ms, now) {
    return Math.abs(now - ms) < 86_400_000 && new Date(ms).getDate() === new Date(now).getDate() ? this.short.format(ms) : this.day.format(ms);
  }

  /** @param {number} age in milliseconds */
  ago(age) {
    for (const [unit, ms] of /** @type {[Intl.RelativeTimeFormatUnit, number][]} */ ([['day', 86_400_000], ['hour', 3_600_000], ['minute', 60_000]])) {
      if (age >= ms) return this.relative.format(-Math.floor(age / ms), unit);
    }
    return this.relative.format(0, 'second');
  }

  /** What an urgency is called: by its channel, else by its number. @param {number} urgency @param {{labels: Record<string, string>}} rules */
  urgency(urgency, rules) {
    const label = rules.labels[urgency];
    return label && this.has(`urgency.${label}`) ? this.say(`urgency.${label}`) : label ?? this.say('urgency.n', { n: urgency });
  }
}

/** The language of the page: what was chosen, else what the browser asks for. @param {string|null} chosen @param {readonly string[]} wishes */
export function languageOf(chosen, wishes) {
  for (const wish of [chosen, ...wishes]) {
    const language = wish?.toLowerCase().split('-')[0];
    if (language && language in LANGUAGES) return language;
  }
  return 'en';
}
