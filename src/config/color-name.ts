import { type Color, colorService } from '../core/color.ts';
import { text, type ServiceModel } from './model.ts';

/** A name that exists once gets the color behind it, unless the overlay gave this color one of its own. */
export function colorName(
  service: ServiceModel,
  other: ServiceModel,
  key: 'container_name' | 'hostname',
  color: Color,
): string | null {
  const given = text(service[key]);
  return given !== null && given === text(other[key]) ? colorService(given, color) : given;
}
