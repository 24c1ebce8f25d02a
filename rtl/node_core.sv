// A node but for its clock: message engine, node RAM, registers.
//
//     CPU ◄──► cpu_port ◄──► register_file ◄──► message_engine ◄──► buses X, Y
//                  │                                 │
//                  └──────────► node_ram ◄───────────┘
//
// The engine goes before the CPU at node RAM; of the engine, the transmit lanes go first, since a
// bus does not wait.
//
// All of it runs on gated clocks, three of them: the packet streams and node RAM have one, the
// receive lanes have one, and the rest has one. What comes from the buses is only ever captured in
// registers: no output follows it within the cycle.

module node_core
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
#(
  parameter int unsigned NumNodes  = 4,
  parameter int unsigned RamBytes  = 262144,
  parameter int unsigned DataWidth = 32
) (
  input  logic                 clk_i,
  input  logic                 clk_streams_i,
  input  logic                 clk_lanes_i,
  input  logic                 rst_ni,
  input  logic                 halt_i,
  /// The halt has reached the core.
  output logic                 halted_o,
  /// Fault points; see node.
  input  logic                 upset_i,
  input  logic [11:0]          upset_offset_i,
  input  logic [31:0]          upset_bits_i,
  input  logic                 event_hold_i,
  input  logic [3:0]           node_i,
  /// For one cycle in TickCycles, while waiting_o.
  input  logic                 tick_i,
  /// CPU port; see cpu_port.
  input  logic                 cpu_valid_i,
  input  logic                 cpu_write_i,
  input  logic [20:0]          cpu_address_i,
  input  logic [31:0]          cpu_wdata_i,
  output logic                 cpu_ready_o,
  output logic [31:0]          cpu_rdata_o,
  output logic                 irq_o,
  /// The buses; see node.
  output logic [1:0]           request_control_o,
  output logic [1:0]           request_data_o,
  output logic [1:0]           valid_o,
  output logic [1:0]           last_o,
  output logic [DataWidth-1:0] data_o    [2],
  input  logic [1:0]           grant_i,
  input  strobes_t             strobes_i [2],
  input  logic [1:0]           deaf_i,
  input  logic [DataWidth-1:0] data_i    [2],
  output logic [1:0]           accepted_o,
  output logic [1:0]           busy_o,
  output logic [1:0]           corrupt_o,
  output logic [1:0]           refused_o,
  input  answers_t             answers_i [2],
  input  offence_t [1:0]       offence_i,
  /// A lane waits for its bus: ticks are wanted.
  output logic                 waiting_o,
  /// Lanes that send, by bus: see transmit_lane.
  output logic [1:0]           sending_o,
  /// The next edge of clk_i, of clk_streams_i, of clk_lanes_i may change something, whatever comes
  /// from outside.
  output logic                 core_busy_o,
  output logic                 streams_busy_o,
  output logic                 lanes_busy_o,
  /// No clock edge changes anything until something comes from outside.
  output logic                 idle_o
);

  logic halted_q, event_held_q;
  always_ff @(posedge clk_i) begin
    halted_q     <= halt_i;
    event_held_q <= event_hold_i;
  end
  assign halted_o = halted_q;

  // ---- Node RAM, and who has its ports ----------------------------------------------------------

  // Read: lane X, lane Y, control ring, data ring, CPU. Write: delivery, events, CPU.
  localparam int unsigned Readers = 5;
  localparam int unsigned Writers = 3;

  logic [Readers-1:0] read_valid, read_ready;
  line_address_t      read_address  [Readers];
  line_t              read_data;
  logic [Writers-1:0] write_valid, write_ready;
  line_address_t      write_address [Writers];
  line_t              write_data    [Writers];
  logic [15:0]        write_bytes   [Writers];

  assign read_ready  = read_valid & (~read_valid + Readers'(1));
  assign write_ready = write_valid & (~write_valid + Writers'(1));

  // An address past the end of RAM wraps around.
  localparam int unsigned RamAddressWidth = $clog2(RamBytes / LineBytes);
  logic [RamAddressWidth-1:0] ram_read_address, ram_write_address;
  line_t                      ram_write_data;
  logic [15:0]                ram_write_bytes;

  always_comb begin
    ram_read_address = '0;
    if (read_valid != '0) begin
      for (int unsigned i = 0; i < Readers; i++) begin
        if (read_ready[i]) ram_read_address = RamAddressWidth'(read_address[i]);
      end
    end
  end

  always_comb begin
    ram_write_address = '0;
    ram_write_data    = '0;
    ram_write_bytes   = '0;
    if (write_valid != '0) begin
      for (int unsigned i = 0; i < Writers; i++) begin
        if (write_ready[i]) begin
          ram_write_address = RamAddressWidth'(write_address[i]);
          ram_write_data    = write_data[i];
          ram_write_bytes   = write_bytes[i];
        end
      end
    end
  end

  node_ram #(
    .SizeBytes(RamBytes)
  ) u_ram (
    .clk_i          (clk_streams_i),
    .read_i         (read_valid != '0),
    .read_address_i (ram_read_address),
    .read_data_o    (read_data),
    .write_i        (ram_write_bytes),
    .write_address_i(ram_write_address),
    .write_data_i   (ram_write_data)
  );

  // ---- CPU ----------------------------------------------------------------------------------

  logic          register_valid, register_write, cpu_idle, registers_idle;
  logic [11:0]   register_offset;
  logic [31:0]   register_wdata, register_rdata;
  line_address_t cpu_line;

  cpu_port u_cpu_port (
    .clk_i,
    .rst_ni,
    .valid_i          (cpu_valid_i),
    .write_i          (cpu_write_i),
    .address_i        (cpu_address_i),
    .wdata_i          (cpu_wdata_i),
    .ready_o          (cpu_ready_o),
    .rdata_o          (cpu_rdata_o),
    .register_valid_o (register_valid),
    .register_write_o (register_write),
    .register_offset_o(register_offset),
    .register_wdata_o (register_wdata),
    .register_rdata_i (register_rdata),
    .read_valid_o     (read_valid[4]),
    .write_valid_o    (write_valid[2]),
    .line_address_o   (cpu_line),
    .write_bytes_o    (write_bytes[2]),
    .write_data_o     (write_data[2]),
    .read_ready_i     (read_ready[4]),
    .write_ready_i    (write_ready[2]),
    .read_data_i      (read_data),
    .idle_o           (cpu_idle)
  );
  assign read_address[4]  = cpu_line;
  assign write_address[2] = cpu_line;

  switches_t        switches;
  coalescing_reg_t  coalescing;
  limits_t          limits;
  path_limits_reg_t path_limits;
  ring_t            events, send [2], receive [2];
  window_post_t     window_post;
  status_reg_t      status;
  index_t           event_tail, send_head [2], receive_tail [2];
  nodes_t           path_suspect [2], path_down [2], path_restore [2];
  logic [3:0]       path_index;
  path_x_reg_t      path [2];
  counts_t          counts [2];

  register_file #(
    .NumNodes(NumNodes)
  ) u_registers (
    .clk_i,
    .rst_ni,
    .halt_i        (halted_q),
    .upset_i,
    .upset_offset_i,
    .upset_bits_i,
    .node_i,
    .valid_i       (register_valid),
    .write_i       (register_write),
    .offset_i      (register_offset),
    .wdata_i       (register_wdata),
    .rdata_o       (register_rdata),
    .switches_o    (switches),
    .coalescing_o  (coalescing),
    .limits_o      (limits),
    .path_limits_o (path_limits),
    .events_o      (events),
    .send_o        (send),
    .receive_o     (receive),
    .window_post_o (window_post),
    .status_i      (status),
    .event_tail_i  (event_tail),
    .send_head_i   (send_head),
    .receive_tail_i(receive_tail),
    .path_suspect_i(path_suspect),
    .path_down_i   (path_down),
    .path_restore_o(path_restore),
    .path_index_o  (path_index),
    .path_i        (path),
    .counts_i      (counts),
    .offence_i,
    .idle_o        (registers_idle)
  );

  // ---- Engine -------------------------------------------------------------------------------

  logic engine_busy, streams_busy, lanes_busy, engine_idle;

  message_engine #(
    .NumNodes (NumNodes),
    .RamBytes (RamBytes),
    .DataWidth(DataWidth)
  ) u_engine (
    .clk_i,
    .clk_streams_i,
    .clk_lanes_i,
    .rst_ni           (switches.enable && !halted_q),
    .node_i,
    .event_hold_i     (event_held_q),
    .tick_i,
    .epoch_i          (switches.epoch),
    .interrupt_enable_i(switches.interrupt_enable),
    .coalescing_i     (coalescing),
    .limits_i         (limits),
    .path_limits_i    (path_limits),
    .events_i         (events),
    .send_i           (send),
    .receive_i        (receive),
    .window_post_i    (window_post),
    .status_o         (status),
    .event_tail_o     (event_tail),
    .send_head_o      (send_head),
    .receive_tail_o   (receive_tail),
    .path_suspect_o   (path_suspect),
    .path_down_o      (path_down),
    .path_restore_i   (path_restore),
    .path_index_i     (path_index),
    .path_o           (path),
    .counts_o         (counts),
    .irq_o,
    .read_valid_o     (read_valid[3:0]),
    .read_address_o   (read_address[0:3]),
    .read_ready_i     (read_ready[3:0]),
    .read_data_i      (read_data),
    .write_valid_o    (write_valid[1:0]),
    .write_address_o  (write_address[0:1]),
    .write_data_o     (write_data[0:1]),
    .write_bytes_o    (write_bytes[0:1]),
    .write_ready_i    (write_ready[1:0]),
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
    .waiting_o,
    .sending_o,
    .engine_busy_o    (engine_busy),
    .streams_busy_o   (streams_busy),
    .lanes_busy_o     (lanes_busy),
    .idle_o           (engine_idle)
  );

  // A halt has not come to rest until the engine is disabled; a disabled engine is cleared. Counts
  // that wait concern the registers alone.
  logic unsettled;
  assign unsettled     = !cpu_idle || !registers_idle || (halted_q && switches.enable);
  // Not by assign: that a simulator would look at every cycle, and not when something here changes.
  always_comb begin
    core_busy_o    = 1'b0;
    streams_busy_o = 1'b0;
    lanes_busy_o   = 1'b0;
    idle_o         = 1'b0;
    if (engine_busy || unsettled) core_busy_o = 1'b1;
    if (streams_busy || unsettled || (read_valid != '0) || (write_valid != '0)) begin
      streams_busy_o = 1'b1;
    end
    if (lanes_busy || unsettled) lanes_busy_o = 1'b1;
    if (engine_idle && !unsettled) idle_o = 1'b1;
  end

endmodule
