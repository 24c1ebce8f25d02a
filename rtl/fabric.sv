// The fabric: nodes on two independent buses.
//
//          ┌────────┐   ┌────────┐         ┌────────┐
//   CPU ──►│ node 0 │   │ node 1 │   ...   │node N-1│
//          └─┬────┬─┘   └─┬────┬─┘         └─┬────┬─┘
//   ═════════╪════╧═══════╪════╧═════════════╪════╧════ bus Y ── controller Y
//   ═════════╧════════════╧══════════════════╧═════════ bus X ── controller X
//
// Each bus has its own controller and shares nothing with the other. Between a controller and the
// nodes lie the fault points: an XOR onto the data, a cut of the words, a cut of the answers.
// Tied to zero they vanish. They are registered: what is applied before a clock edge acts in the
// cycle behind it.

module fabric
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
#(
  /// Nodes, 2 to MaxNodes.
  parameter int unsigned NumNodes = 4,
  /// RAM of each node in bytes, a power of two, 4 KiB to 1 MiB.
  parameter int unsigned RamBytes = 262144
) (
  input  logic                clk_i,
  /// At least two cycles.
  input  logic                rst_ni,
  /// Nodes that are halted: silent.
  input  logic [NumNodes-1:0] halt_i,
  /// CPU ports; see cpu_port.
  input  logic [NumNodes-1:0] cpu_valid_i,
  input  logic [NumNodes-1:0] cpu_write_i,
  input  logic [20:0]         cpu_address_i [NumNodes],
  input  logic [31:0]         cpu_wdata_i   [NumNodes],
  output logic [NumNodes-1:0] cpu_ready_o,
  output logic [31:0]         cpu_rdata_o   [NumNodes],
  output logic [NumNodes-1:0] irq_o,
  /// No clock edge changes any state until a CPU asks for something.
  output logic                idle_o,
  /// Fault points, by bus; each acts in the cycles in which it is not zero.
  input  logic [31:0]         fault_flip_i  [2],
  input  logic [1:0]          fault_drop_i,
  input  logic [1:0]          fault_answer_drop_i,
  /// Observation, by bus: a packet's first word is on the wires in the next cycle, and whose.
  output logic [1:0]          start_o,
  output logic [3:0]          start_source_o [2],
  /// The wires after the fault points; valid does not show a cut.
  output logic [1:0]          wire_valid_o,
  output logic [1:0]          wire_first_o,
  output logic [1:0]          wire_last_o,
  output logic [31:0]         wire_data_o   [2],
  /// Answers after the fault points, two bits a node.
  output logic [31:0]         answers_o     [2]
);

  logic [1:0]    node_request_control [NumNodes], node_request_data [NumNodes];
  logic [1:0]    node_grant [NumNodes];
  packet_words_t node_words  [NumNodes][2];
  word_t         node_data   [NumNodes][2];
  answer_e       node_answer [NumNodes][2];
  logic [NumNodes-1:0] node_idle;

  logic [31:0] fault_flip_q [2];
  logic [1:0]  fault_drop_q, fault_answer_drop_q;
  always_ff @(posedge clk_i) begin
    fault_flip_q        <= fault_flip_i;
    fault_drop_q        <= fault_drop_i;
    fault_answer_drop_q <= fault_answer_drop_i;
  end

  bus_wires_t wires [2];
  answers_t   answers [2];
  logic [1:0] bus_idle;

  for (genvar b = 0; b < 2; b++) begin : gen_bus
    logic [NumNodes-1:0] request_control, request_data, grant;
    packet_words_t       words [NumNodes];
    word_t               data  [NumNodes];
    bus_wires_t          sent;
    answers_t            answered;

    for (genvar i = 0; i < NumNodes; i++) begin : gen_port
      assign request_control[i] = node_request_control[i][b];
      assign request_data[i]    = node_request_data[i][b];
      assign words[i]           = node_words[i][b];
      assign data[i]            = node_data[i][b];
      assign node_grant[i][b]   = grant[i];
    end

    bus_controller #(
      .NumNodes(NumNodes)
    ) u_controller (
      .clk_i,
      .rst_ni,
      .request_control_i(request_control),
      .request_data_i   (request_data),
      .words_i          (words),
      .data_i           (data),
      .grant_o          (grant),
      .wires_o          (sent),
      .start_o          (start_o[b]),
      .source_o         (start_source_o[b]),
      .idle_o           (bus_idle[b])
    );

    always_comb begin
      wires[b]       = sent;
      wires[b].valid = sent.valid && !fault_drop_q[b];
      wires[b].data  = sent.data ^ fault_flip_q[b];
    end

    always_comb begin
      answered = '0;
      for (int unsigned i = 0; i < NumNodes; i++) answered[2*i+:2] = node_answer[i][b];
    end
    assign answers[b] = fault_answer_drop_q[b] ? '0 : answered;

    assign wire_valid_o[b] = sent.valid;
    assign wire_first_o[b] = sent.first;
    assign wire_last_o[b]  = sent.last;
    assign wire_data_o[b]  = wires[b].data;
    assign answers_o[b]    = answers[b];
  end

  for (genvar i = 0; i < NumNodes; i++) begin : gen_node
    node #(
      .NumNodes(NumNodes),
      .RamBytes(RamBytes)
    ) u_node (
      .clk_i,
      .rst_ni,
      .halt_i           (halt_i[i]),
      .node_i           (4'(i)),
      .cpu_valid_i      (cpu_valid_i[i]),
      .cpu_write_i      (cpu_write_i[i]),
      .cpu_address_i    (cpu_address_i[i]),
      .cpu_wdata_i      (cpu_wdata_i[i]),
      .cpu_ready_o      (cpu_ready_o[i]),
      .cpu_rdata_o      (cpu_rdata_o[i]),
      .irq_o            (irq_o[i]),
      .request_control_o(node_request_control[i]),
      .request_data_o   (node_request_data[i]),
      .words_o          (node_words[i]),
      .data_o           (node_data[i]),
      .grant_i          (node_grant[i]),
      .wires_i          (wires),
      .answer_o         (node_answer[i]),
      .answers_i        (answers),
      .idle_o           (node_idle[i])
    );
  end

  assign idle_o = (node_idle == '1) && (bus_idle == '1);

endmodule
