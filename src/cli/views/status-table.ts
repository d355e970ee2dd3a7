import type { ServiceView, SharedView, StatusView } from '../../app/status-view.ts';
import type { Placement } from '../../core/project.ts';
import type { Style } from '../style.ts';
import { table, type Column } from './columns.ts';
import { age, cut } from './text.ts';

interface Row {
  readonly name: string;
  readonly where: string;
  readonly wanted: number;
  readonly running: number;
  readonly ready: number;
  readonly traffic: string;
  readonly age: string;
  readonly image: string;
  readonly settled: boolean;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: 'SERVICE', value: (row) => row.name, drop: 0 },
  { title: 'WHERE', value: (row) => row.where, drop: 1 },
  { title: 'WANT', value: (row) => String(row.wanted), align: 'right', drop: 3 },
  { title: 'RUN', value: (row) => String(row.running), align: 'right', drop: 2 },
  { title: 'READY', value: (row) => String(row.ready), align: 'right', drop: 0, paint: paintReady },
  { title: 'TRAFFIC', value: (row) => row.traffic, align: 'right', drop: 0 },
  { title: 'AGE', value: (row) => row.age, align: 'right', drop: 4 },
  { title: 'IMAGE', value: (row) => row.image, drop: 5, shrinkTo: 14, keep: 'end' },
];

/** A line a service; while a rollout moves, a line for each color it runs in. Notes about containers follow. */
export function statusTable(view: StatusView, width: number, style: Style): readonly string[] {
  const rows = [...view.services.map(serviceRow), ...view.shared.map(sharedRow)];
  const notes = [...view.services, ...view.shared].flatMap((service) => service.notes);
  if (rows.length === 0) return [];
  return [
    ...table(rows, COLUMNS, width, style),
    ...notes.map((note) => style.paint.yellow(cut(style.plain(`  ! ${note}`), width, style.glyph.ellipsis))),
  ];
}

function paintReady(row: Row, { paint }: Style): (text: string) => string {
  if (row.settled) return paint.green;
  return row.ready === 0 ? paint.red : paint.yellow;
}

const WHERE: Readonly<Record<Placement, string>> = {
  colored: 'colored',
  'in-place': 'in place',
  'one-shot': 'once',
  shared: 'shared',
};

function serviceRow(service: ServiceView): Row {
  const place = service.color ?? (service.placement === 'colored' ? 'uncolored' : WHERE[service.placement]);
  return {
    ...counts(service),
    where: service.version === null ? place : `${place} ${service.version}`,
    traffic: service.weight === null ? '-' : `${String(service.weight)} %`,
  };
}

function sharedRow(service: SharedView): Row {
  return { ...counts(service), where: WHERE.shared, traffic: '-' };
}

function counts(service: ServiceView | SharedView): Omit<Row, 'where' | 'traffic'> {
  const { name, wanted, running, ready, image } = service;
  return {
    ...{ name, wanted, running, ready, image },
    age: service.ageMs === null ? '-' : age(service.ageMs),
    settled: ready >= wanted,
  };
}
