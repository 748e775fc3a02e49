/** `photofit/web`: all of `photofit`, and its adapters to photos and networks in a page. */
export * from '../index.ts';
