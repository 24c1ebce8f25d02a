// A node: message engine, node RAM, registers.
//
//     CPU ◄──► cpu_port ◄──► register_file ◄──► message_engine ◄──► buses X, Y
//                  │                                 │
//                  └──────────► node_ram ◄───────────┘
//
// The engine goes before the CPU at node RAM; of the engine, the lanes go first, since a bus does
// not wait: each lane needs its port at most every fourth cycle.

module node
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
#(
  parameter int unsigned NumNodes = 4,
  parameter int unsigned RamBytes = 262144
) (
  input  logic          clk_i,
  input  logic          rst_ni,
  /// The node is halted: its engine is disabled and silent.
  input  logic          halt_i,
  input  logic [3:0]    node_i,
  /// CPU port; see cpu_port.
  input  logic          cpu_valid_i,
  input  logic          cpu_write_i,
  input  logic [20:0]   cpu_address_i,
  input  logic [31:0]   cpu_wdata_i,
  output logic          cpu_ready_o,
  output logic [31:0]   cpu_rdata_o,
  output logic          irq_o,
  /// The buses.
  output logic [1:0]    request_control_o,
  output logic [1:0]    request_data_o,
  output packet_words_t words_o   [2],
  output word_t         data_o    [2],
  input  logic [1:0]    grant_i,
  input  bus_wires_t    wires_i   [2],
  output answer_e       answer_o  [2],
  input  answers_t      answers_i [2],
  output logic          idle_o
);

  // ---- Node RAM, and who has its ports ----------------------------------------------------------

  // Read: lane X, lane Y, control ring, data ring, CPU. Write: lane X, lane Y, events, CPU.
  localparam int unsigned Readers = 5;
  localparam int unsigned Writers = 4;

  logic [Readers-1:0] read_valid, read_ready;
  line_address_t      read_address [Readers];
  line_t              read_data;
  logic [Writers-1:0] write_valid, write_ready;
  line_address_t      write_address [Writers];
  line_t              write_data    [Writers];

  assign read_ready  = read_valid & (~read_valid + Readers'(1));
  assign write_ready = write_valid & (~write_valid + Writers'(1));

  // An address past the end of RAM wraps around.
  localparam int unsigned RamAddressWidth = $clog2(RamBytes / LineBytes);
  logic [RamAddressWidth-1:0] ram_read_address, ram_write_address;
  line_t         ram_write_data;
  logic [3:0]    ram_write_words, cpu_write_words;

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
    ram_write_words   = '0;
    if (write_valid != '0) begin
      for (int unsigned i = 0; i < Writers; i++) begin
        if (write_ready[i]) begin
          ram_write_address = RamAddressWidth'(write_address[i]);
          ram_write_data    = write_data[i];
        end
      end
      ram_write_words = write_ready[3] ? cpu_write_words : 4'b1111;
    end
  end

  node_ram #(
    .SizeBytes(RamBytes)
  ) u_ram (
    .clk_i,
    .read_i         (read_valid != '0),
    .read_address_i (ram_read_address),
    .read_data_o    (read_data),
    .write_i        (ram_write_words),
    .write_address_i(ram_write_address),
    .write_data_i   (ram_write_data)
  );

  logic halt_q;
  always_ff @(posedge clk_i) halt_q <= halt_i;

  // ---- CPU ----------------------------------------------------------------------------------

  logic          register_valid, register_write, cpu_idle, registers_idle;
  logic [11:0]   register_offset;
  logic [31:0]   register_wdata, register_rdata;
  line_address_t cpu_line;

  cpu_port u_cpu_port (
    .clk_i,
    .rst_ni,
    .valid_i         (cpu_valid_i),
    .write_i         (cpu_write_i),
    .address_i       (cpu_address_i),
    .wdata_i         (cpu_wdata_i),
    .ready_o         (cpu_ready_o),
    .rdata_o         (cpu_rdata_o),
    .register_valid_o(register_valid),
    .register_write_o(register_write),
    .register_offset_o(register_offset),
    .register_wdata_o(register_wdata),
    .register_rdata_i(register_rdata),
    .read_valid_o    (read_valid[4]),
    .write_valid_o   (write_valid[3]),
    .line_address_o  (cpu_line),
    .write_words_o   (cpu_write_words),
    .write_data_o    (write_data[3]),
    .read_ready_i    (read_ready[4]),
    .write_ready_i   (write_ready[3]),
    .read_data_i     (read_data),
    .idle_o          (cpu_idle)
  );
  assign read_address[4]  = cpu_line;
  assign write_address[3] = cpu_line;

  switches_t           switches;
  limits_t             limits;
  ring_t               events, send [2], receive [2];
  index_t              event_tail, send_head [2], receive_tail [2];
  logic [NumNodes-1:0] path_down [2], path_raise [2];
  counts_t             counts [2];

  register_file #(
    .NumNodes(NumNodes)
  ) u_registers (
    .clk_i,
    .rst_ni,
    .halt_i      (halt_q),
    .node_i,
    .valid_i     (register_valid),
    .write_i     (register_write),
    .offset_i    (register_offset),
    .wdata_i     (register_wdata),
    .rdata_o     (register_rdata),
    .switches_o    (switches),
    .limits_o      (limits),
    .events_o      (events),
    .send_o        (send),
    .receive_o     (receive),
    .event_tail_i  (event_tail),
    .send_head_i   (send_head),
    .receive_tail_i(receive_tail),
    .path_down_i   (path_down),
    .path_raise_o  (path_raise),
    .counts_i      (counts),
    .idle_o        (registers_idle)
  );

  // ---- Engine -------------------------------------------------------------------------------

  logic engine_idle;

  message_engine #(
    .NumNodes(NumNodes),
    .RamBytes(RamBytes)
  ) u_engine (
    .clk_i,
    .halt_i           (halt_q),
    .node_i,
    .switches_i       (switches),
    .limits_i         (limits),
    .events_i         (events),
    .send_i           (send),
    .receive_i        (receive),
    .event_tail_o     (event_tail),
    .send_head_o      (send_head),
    .receive_tail_o   (receive_tail),
    .path_down_o      (path_down),
    .path_raise_i     (path_raise),
    .counts_o         (counts),
    .irq_o,
    .read_valid_o     (read_valid[3:0]),
    .read_address_o   (read_address[0:3]),
    .read_ready_i     (read_ready[3:0]),
    .read_data_i      (read_data),
    .write_valid_o    (write_valid[2:0]),
    .write_address_o  (write_address[0:2]),
    .write_data_o     (write_data[0:2]),
    .write_ready_i    (write_ready[2:0]),
    .request_control_o,
    .request_data_o,
    .words_o,
    .data_o,
    .grant_i,
    .wires_i,
    .answer_o,
    .answers_i,
    .idle_o           (engine_idle)
  );

  // A halt has not come to rest until the engine is disabled.
  assign idle_o = engine_idle && cpu_idle && registers_idle && !(halt_q && switches.enable);

endmodule
