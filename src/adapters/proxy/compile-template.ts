import Handlebars from 'handlebars';

/** How templates are compiled, here and by the build: an unknown name is an error; values were checked before. */
export const TEMPLATE_OPTIONS = { strict: true, noEscape: true };

/** A template's text as a function of its view. The result throws for a name that the view does not have. */
export function compileTemplate(text: string): (view: object) => string {
  const compiled = Handlebars.compile<object>(text, TEMPLATE_OPTIONS);
  return (view) => compiled(view);
}
