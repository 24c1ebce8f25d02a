// A node, and the gates of its clocks.
//
//   CPU pins ──►[ registers ]──►┌───────────┐ request, beats, answers
//                               │ node_core ├────────────────────────► buses X, Y
//   wires, grants, answers ────►│           │
//                               └─────▲─────┘
//                                     │ clk_core, clk_streams, clk_lanes
//      each: busy, or    ┌──────┐     │
//      one comes to it ─►│ wake ├─[3 gates]◄── clk_i
//                        └──────┘
//
// The core has three clocks: the packets that are being sent and node RAM have one; those that are
// being received, in the receive lanes, have one; and all the rest has one. Each stands still while
// no edge of it would change anything: nothing is under way there, and nothing comes from outside.
// A lane that only waits for its bus counts as such. What the core does is the same with and
// without the gates.
//
// The tick, one cycle in TickCycles while a lane waits for its bus, is the clock of grant timeouts.

module node
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
#(
  parameter int unsigned NumNodes  = 4,
  parameter int unsigned RamBytes  = 262144,
  /// Bits of a bus beat, 32 or 64.
  parameter int unsigned DataWidth = 32,
  /// Whether the clock is gated.
  parameter bit ClockGating = 1'b1
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  /// The node is halted: its engine is disabled and silent.
  input  logic                 halt_i,
  /// Fault points: for one cycle, a register and the bits inverted in it; the event ring stands
  /// still. See register_file and message_engine.
  input  logic                 upset_i,
  input  logic [11:0]          upset_offset_i,
  input  logic [31:0]          upset_bits_i,
  input  logic                 event_hold_i,
  /// One of them changes something: the core's clock goes on.
  input  logic                 fault_wake_i,
  input  logic [3:0]           node_i,
  /// CPU port; see cpu_port.
  input  logic                 cpu_valid_i,
  input  logic                 cpu_write_i,
  input  logic [20:0]          cpu_address_i,
  input  logic [31:0]          cpu_wdata_i,
  output logic                 cpu_ready_o,
  output logic [31:0]          cpu_rdata_o,
  output logic                 irq_o,
  /// The buses: requests by class, the beat at hand, and the answers of this node.
  output logic [1:0]           request_control_o,
  output logic [1:0]           request_data_o,
  output logic [1:0]           valid_o,
  output logic [1:0]           last_o,
  output logic [DataWidth-1:0] data_o    [2],
  input  logic [1:0]           grant_i,
  input  strobes_t             strobes_i [2],
  /// Fault point: this node does not hear the beat, by bus.
  input  logic [1:0]           deaf_i,
  input  logic [DataWidth-1:0] data_i    [2],
  output logic [1:0]           accepted_o,
  output logic [1:0]           busy_o,
  output logic [1:0]           corrupt_o,
  output logic [1:0]           refused_o,
  input  answers_t             answers_i [2],
  input  offence_t [1:0]       offence_i,
  output logic                 idle_o
);

  // ---- What comes from outside, registered -----------------------------------------------------

  logic        cpu_valid_q, cpu_write_q, halt_q;
  logic [20:0] cpu_address_q;
  logic [31:0] cpu_wdata_q;

  always_ff @(posedge clk_i) begin
    cpu_valid_q <= cpu_valid_i && rst_ni;
    halt_q      <= halt_i;
    if (cpu_valid_i) begin
      cpu_write_q   <= cpu_write_i;
      cpu_address_q <= cpu_address_i;
      cpu_wdata_q   <= cpu_wdata_i;
    end
  end

  // ---- Tick ---------------------------------------------------------------------------------

  localparam int unsigned TickWidth = $clog2(TickCycles);

  logic                 waiting, tick;
  logic [TickWidth-1:0] tick_q;
  assign tick = tick_q == TickWidth'(TickCycles - 1);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) tick_q <= '0;
    else if (waiting) tick_q <= tick_q + TickWidth'(1);
    else if (tick_q != '0) tick_q <= '0;
  end

  // ---- Clock --------------------------------------------------------------------------------

  localparam int unsigned BitWidth = $clog2(DataWidth);

  logic       core_busy, streams_busy, lanes_busy, core_idle, core_halted;
  logic       wake_all, wake_core, wake_streams, wake_lanes, clk_core, clk_streams, clk_lanes;
  logic [1:0] addressed, sending;

  for (genvar b = 0; b < 2; b++) begin : gen_addressed
    assign addressed[b] = strobes_i[b].valid && strobes_i[b].first && data_i[b][BitWidth'(node_i)];
  end

  assign wake_all     = !rst_ni || (halt_q != core_halted) || fault_wake_i;
  assign wake_core    = wake_all || core_busy || cpu_valid_q || ((grant_i ^ sending) != '0) ||
                        tick || offence_i[0].valid || offence_i[1].valid;
  assign wake_streams = wake_all || streams_busy || (grant_i != '0);
  assign wake_lanes   = wake_all || lanes_busy || (addressed != '0);

  clock_gate #(
    .Enabled(ClockGating)
  ) u_gate_core (
    .clk_i,
    .enable_i(wake_core),
    .clk_o   (clk_core)
  );

  clock_gate #(
    .Enabled(ClockGating)
  ) u_gate_streams (
    .clk_i,
    .enable_i(wake_streams),
    .clk_o   (clk_streams)
  );

  clock_gate #(
    .Enabled(ClockGating)
  ) u_gate_lanes (
    .clk_i,
    .enable_i(wake_lanes),
    .clk_o   (clk_lanes)
  );

  node_core #(
    .NumNodes (NumNodes),
    .RamBytes (RamBytes),
    .DataWidth(DataWidth)
  ) u_core (
    .clk_i            (clk_core),
    .clk_streams_i    (clk_streams),
    .clk_lanes_i      (clk_lanes),
    .rst_ni,
    .halt_i           (halt_q),
    .halted_o         (core_halted),
    .upset_i,
    .upset_offset_i,
    .upset_bits_i,
    .event_hold_i,
    .node_i,
    .tick_i           (tick),
    .cpu_valid_i      (cpu_valid_q),
    .cpu_write_i      (cpu_write_q),
    .cpu_address_i    (cpu_address_q),
    .cpu_wdata_i      (cpu_wdata_q),
    .cpu_ready_o,
    .cpu_rdata_o,
    .irq_o,
    .request_control_o,
    .request_data_o,
    .valid_o,
    .last_o,
    .data_o,
    .grant_i,
    .strobes_i,
    .deaf_i,
    .data_i,
    .accepted_o,
    .busy_o,
    .corrupt_o,
    .refused_o,
    .answers_i,
    .offence_i,
    .waiting_o        (waiting),
    .sending_o        (sending),
    .core_busy_o      (core_busy),
    .streams_busy_o   (streams_busy),
    .lanes_busy_o     (lanes_busy),
    .idle_o           (core_idle)
  );

  assign idle_o = core_idle && !cpu_valid_q && (tick_q == '0) && (halt_q == core_halted);

endmodule
