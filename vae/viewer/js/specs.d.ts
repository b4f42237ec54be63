// The data that the instruments are given: specifications as JSON, and the arrays of binary blobs.
//
// Python writes the specifications where it mounts the instruments, and packs the blobs in
// vae/viewer/blobs.py. Shapes are (channels, height, width), KL and other terms are in nats.

export type ImageShape = [channels: number, height: number, width: number];

/** A code, a direction or another list of numbers. */
export type Numbers = ArrayLike<number>;

/** z(x, y) = origin + x * basis[0] + y * basis[1]; the basis is orthonormal. */
export interface PlaneSpec {
  origin: number[];
  basis: [number[], number[]];
  /** Names of the two axes. */
  labels: [string, string];
  /** Short names, shown beside a value. */
  symbols: [string, string];
  /** Whether the codes have a standard normal prior, which is the unit of |z| and of the axes. */
  has_prior: boolean;
}

/** One decoded image of `DecodeSpec`. */
export interface PanelSpec {
  /** Id of a mounted decoder. */
  asset: string;
  caption: string;
  /** Position i of z moves latent index order[i]; index i where it is absent. */
  order?: number[];
  /** 1 or -1 by position: the direction of the move; 1 where it is absent. */
  signs?: number[];
  /** The code to which the sliders add; zeros where it is absent. */
  base?: number[];
}

/** One slider. */
export interface DimensionSpec {
  /** Position in z. */
  index: number;
  label: string;
  low: number;
  high: number;
  kl: number;
  /** Inactive dimensions are folded away. */
  active: boolean;
}

export interface SlidersSpec {
  kind: "sliders";
  dimensions: DimensionSpec[];
}

/** One slider along a line through `points`, at equal steps of t. */
export interface PathSpec {
  kind: "path";
  points: number[][];
  captions: string[];
  /** How long playing takes from one end to the other. */
  seconds: number;
  /** t at the first point and at the last; [0, 1] where it is absent. */
  span?: [number, number];
}

/** An endless walk through `points`, `seconds` from each to the next. */
export interface WalkSpec {
  kind: "walk";
  points: number[][];
  seconds: number;
}

/** Two images, bytes (c, h, w) in base64, that fade into each other. */
export interface BlendSpec {
  shape: ImageShape;
  start: string;
  end: string;
}

export interface SurroundingsSpec {
  /** Id of mounted codes. */
  codes: string;
  /** Id of mounted test images; the nearest ones are decoded where it is null. */
  pictures: string | null;
  plane: PlaneSpec;
  /** `#rrggbb` by class index. */
  colors: string[];
}

export interface DecodeSpec {
  panels: PanelSpec[];
  control: SlidersSpec | PathSpec | WalkSpec;
  /** Length of z. */
  latent: number;
  /** Side of a picture in CSS pixels, in a window of the designed height. */
  size: number;
  surroundings?: SurroundingsSpec;
  blend?: BlendSpec;
}

export interface DecodeData {
  spec: DecodeSpec;
  /** z for sliders, [t] for a path. */
  value?: number[] | null;
}

export type Backdrop = "none" | "manifold" | "ellipses" | "prior";

export type Tool = "point" | "draw";

/** How a drawing becomes an image of a data set: vae/data/stroke_style.py. */
export interface StrokeStyle {
  /** Diameter of the pen as a share of the image's side. */
  pen: number;
  /** Longer side of the drawing as a share of the image's side; null leaves it as it was drawn. */
  box: number | null;
  /** The point that is moved to the middle of the image. */
  centre: "mass" | "box";
  /** Text on an empty pad. */
  invitation: string;
}

export interface DrawingSpec {
  ink: StrokeStyle;
  shape: ImageShape;
  /** Id of a mounted encoder. */
  encoder: string;
}

/** The reason why a model has no pad. */
export interface NoDrawingSpec {
  reason: string;
}

export interface MapSpec {
  codes: string;
  decoder: string;
  pictures: string | null;
  plane: PlaneSpec;
  colors: string[];
  /** Side of the map in CSS pixels; as large as the window allows where it is null. */
  size: number | null;
  backdrop: Backdrop;
  drawing?: DrawingSpec | NoDrawingSpec | null;
}

/** [x0, y0, x1, y1, ...] in ten-thousandths of the pad's side, y downwards. */
export type Stroke = number[];

export interface MapData {
  spec: MapSpec;
  /** The code to mark. */
  value?: number[] | null;
  strokes: Stroke[];
  tool: Tool;
}

export interface DrawSpec {
  ink: StrokeStyle;
  shape: ImageShape;
  /** Largest side of the pad in CSS pixels. */
  size: number;
}

export interface DrawData {
  spec: DrawSpec;
  strokes: Stroke[];
  /** Whether Python has the image of these strokes for this model. */
  known: boolean;
}

/** An image whose reconstruction follows beta. */
export interface BetaImageSpec {
  /** Posterior means (grid, latent): float32 in base64. */
  means: string;
  /** Bytes (c, h, w) in base64. */
  original?: { shape: ImageShape; pixels: string };
  caption: string;
}

/** A model that was trained for one beta alone. */
export interface TrainedModelSpec {
  beta: number;
  rate: number;
  distortion: number;
  caption: string;
}

export interface BetaSpec {
  decoder: string;
  curve: string;
  /** The first one is shown large. */
  images: BetaImageSpec[];
  trained: TrainedModelSpec[];
  labels: [string, string];
  colors: string[];
}

export interface BetaData {
  spec: BetaSpec;
  /** [beta]. */
  value?: number[] | null;
}

export type LayerSpec =
  | { kind: "linear"; inputs: number; outputs: number; weight: string; bias: string }
  | ConvolutionSpec
  | { kind: "gate"; slope: string; offset: string }
  | { kind: "relu" | "tanh" | "sigmoid" | "silu" };

export interface ConvolutionSpec {
  kind: "convolution";
  transposed: boolean;
  input: ImageShape;
  output: ImageShape;
  kernel: [number, number];
  stride: [number, number];
  padding: [number, number];
  weight: string;
  bias: string;
}

export type BlobArray = Float32Array | Int32Array | Uint8Array;

export type BlobArrays = Record<string, BlobArray>;

/** One layer: `run()` writes `output`, which is the same array every time. */
export interface Layer {
  output: Float32Array;
  run: () => void;
}

export interface NetworkHeader {
  kind: "decoder" | "encoder";
  id: string;
  latent_dim: number;
  image_shape: ImageShape;
  layers: LayerSpec[];
}

export interface DecoderHeader extends NetworkHeader {
  kind: "decoder";
  /** How the last layer's output becomes pixel means. */
  mean: "sigmoid" | "identity";
  /** The betas that gates serve. */
  beta_range: [number, number] | null;
}

export interface EncoderHeader extends NetworkHeader {
  kind: "encoder";
  /** Log-variances are kept within plus and minus this limit. */
  logvar_limit: number;
}

export interface CodesHeader {
  kind: "codes";
  id: string;
  latent_dim: number;
  class_names: string[];
}

export interface CodesArrays {
  /** (n, latent). */
  points: Float32Array;
  /** (n, latent); absent where codes have no variance. */
  logvars?: Float32Array;
  labels?: Int32Array;
  /** Dimensions over which distances count. */
  active?: Int32Array;
  /** Quantiles of the distance from a code to its nearest neighbour, in equal steps from 0 to 1. */
  spacings?: Float32Array;
}

export interface CurveHeader {
  kind: "rate-curve";
  id: string;
  latent_dim: number;
  class_names: string[];
}

export interface CurveArrays {
  /** (grid), rising. */
  betas: Float32Array;
  /** (grid), nats per test image. */
  distortion: Float32Array;
  /** (grid, latent), nats per test image. */
  rates: Float32Array;
  /** (grid, latent), 0 or 1. */
  active: Uint8Array;
  /** (grid, n, 2), relative to the prior's mean. */
  points: Float32Array;
  /** (n), -1 for no class. */
  labels: Int32Array;
}

export interface ImageSheetHeader {
  kind: "pictures";
  id: string;
  count: number;
  columns: number;
  rows: number;
  image_shape: ImageShape;
  mime: string;
}

/** Describes a network that runs on the server. */
export interface ServedHeader {
  kind: "served";
  part: "decoder" | "encoder";
  id: string;
  /** The port that carries its requests. */
  exchange: string;
  latent_dim: number;
  image_shape: ImageShape;
  /** The most codes in one request. */
  batch: number;
  /** Why the browser does not run it, as a sentence. */
  reason: string;
}

/** The answer to a request: array i is the output of network i. */
export interface FramesHeader {
  kind: "frames";
  /** The port to which the answer goes. */
  id: string;
  number: number;
}

export type BlobHeader =
  | DecoderHeader
  | EncoderHeader
  | CodesHeader
  | CurveHeader
  | ImageSheetHeader
  | ServedHeader
  | FramesHeader;

export interface Packed<Header, Arrays> {
  header: Header;
  arrays: Arrays;
}

export type DecoderBlob = Packed<DecoderHeader, BlobArrays>;
export type EncoderBlob = Packed<EncoderHeader, BlobArrays>;
export type CodesBlob = Packed<CodesHeader, CodesArrays>;
export type CurveBlob = Packed<CurveHeader, CurveArrays>;
export type ImageSheetBlob = Packed<ImageSheetHeader, { file: Uint8Array<ArrayBuffer> }>;
