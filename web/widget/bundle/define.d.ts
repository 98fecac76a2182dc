/** Defines `<breaking-ticker>`. A page that loads it twice, in two versions even, keeps the first. */
import { BreakingTicker } from './element.js';
export { BreakingTicker };
