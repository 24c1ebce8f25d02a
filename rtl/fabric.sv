// The fabric: nodes on two independent buses.
//
//          ┌────────┐   ┌────────┐         ┌────────┐
//   CPU ──►│ node 0 │   │ node 1 │   ...   │node N-1│
//          └─┬────┬─┘   └─┬────┬─┘         └─┬────┬─┘
//   ═════════╪════╧═══════╪════╧═════════════╪════╧════ bus Y ── controller Y
//   ═════════╧════════════╧══════════════════╧═════════ bus X ── controller X
//
// Each bus has its own controller and shares nothing with the other. Between the nodes and a
// controller lie its rogue_port, for nodes that misbehave, and its faulty_controller; behind it the
// fault points of the wires: strobes of nobody, an XOR onto the data, data wires that are stuck, a
// cut of the beats; an XOR onto the answers, a cut of the answers; and a partition. Tied to zero
// they vanish. They are registered: what is applied before a clock edge acts in the cycle behind
// it.
//
// Answers pass in their slots only, AnswerDelay cycles behind a last beat, and not those of halted
// nodes.

module fabric
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
#(
  /// Nodes, 2 to MaxNodes.
  parameter int unsigned NumNodes  = 4,
  /// RAM of each node in bytes, a power of two, 4 KiB to 1 MiB.
  parameter int unsigned RamBytes  = 262144,
  /// Bits of a bus beat, 32 or 64.
  parameter int unsigned DataWidth = 32,
  /// Whether the clocks of nodes that have nothing to do stand still.
  parameter bit ClockGating = 1'b1
) (
  input  logic                 clk_i,
  /// At least three cycles: one may pass before the clock gates open.
  input  logic                 rst_ni,
  /// Nodes that are halted: silent.
  input  logic [NumNodes-1:0]  halt_i,
  /// CPU ports; see cpu_port.
  input  logic [NumNodes-1:0]  cpu_valid_i,
  input  logic [NumNodes-1:0]  cpu_write_i,
  input  logic [20:0]          cpu_address_i [NumNodes],
  input  logic [31:0]          cpu_wdata_i   [NumNodes],
  output logic [NumNodes-1:0]  cpu_ready_o,
  output logic [31:0]          cpu_rdata_o   [NumNodes],
  output logic [NumNodes-1:0]  irq_o,
  /// No clock edge changes any state until a CPU asks for something, or a node fault comes.
  output logic                 idle_o,
  /// Fault points of the wires, by bus; each acts in the cycles in which it is not zero.
  input  logic [DataWidth-1:0] fault_flip_i [2],
  input  logic [1:0]           fault_drop_i,
  input  logic [1:0]           fault_answer_drop_i,
  /// Whether any of the fault inputs from here to fault_event_hold_i is to act.
  input  logic                 fault_enable_i,
  /// Inverts answers in an answer slot, answers_t; sets data wires of a mask to a value,
  /// behind the flips; and strobes, strobes_t, that no lane sends: with flips as their data and
  /// a dead controller, a packet of nobody's.
  input  logic [63:0]          fault_answer_flip_i [2],
  input  logic [DataWidth-1:0] fault_stuck_mask_i  [2],
  input  logic [DataWidth-1:0] fault_stuck_value_i [2],
  input  logic [2:0]           fault_strobes_i     [2],
  /// The nodes on one side of a partition of a bus: no word and no answer passes between them and
  /// the others.
  input  logic [NumNodes-1:0]  fault_partition_i [2],
  /// Controllers that fail; see faulty_controller.
  input  logic [1:0]           fault_dead_i,
  input  logic [7:0]           fault_slow_i [2],
  input  logic [1:0]           fault_double_i,
  /// Faults inside nodes: those of which a register is upset, for one cycle, which register, and
  /// the bits inverted; and those whose event rings stand still.
  input  logic [NumNodes-1:0]  fault_upset_i,
  input  logic [11:0]          fault_upset_offset_i,
  input  logic [31:0]          fault_upset_bits_i,
  input  logic [NumNodes-1:0]  fault_event_hold_i,
  /// Nodes that misbehave, on both buses; see rogue_port.
  input  logic [NumNodes-1:0]  fault_babble_i,
  input  logic [NumNodes-1:0]  fault_forge_i,
  input  logic [NumNodes-1:0]  fault_hold_i,
  /// Observation, by bus: the next cycle is the first of a packet, and whose. Its first beat is on
  /// the wires then, unless the guardian stops it.
  output logic [1:0]           start_o,
  output logic [3:0]           start_source_o [2],
  /// The wires after the fault points; valid does not show a cut.
  output logic [1:0]           wire_valid_o,
  output logic [1:0]           wire_first_o,
  output logic [1:0]           wire_last_o,
  output logic [DataWidth-1:0] wire_data_o [2],
  /// The data before the fault points of the wires, and whether the beat is that of two lanes.
  output logic [DataWidth-1:0] sent_data_o [2],
  output logic [1:0]           wire_collision_o,
  /// Answers after the fault points: answers_t.
  output logic [63:0]          answers_o [2],
  /// What a bus's guardian has caught: offence_e, and who.
  output logic [1:0]           offence_valid_o,
  output logic [1:0]           offence_o  [2],
  output logic [3:0]           offender_o [2]
);

  localparam int unsigned AnswerSlots = AnswerDelay;

  logic [NumNodes-1:0] halt_q, fault_babble_q, fault_forge_q, fault_hold_q;
  logic [DataWidth-1:0] fault_flip_q [2];
  logic [1:0] fault_drop_q, fault_answer_drop_q;
  answers_t             fault_answer_flip_q [2];
  logic [DataWidth-1:0] fault_stuck_mask_q [2], fault_stuck_value_q [2];
  strobes_t             fault_strobes_q [2];
  logic [NumNodes-1:0]  fault_partition_q [2];
  logic [1:0]           fault_dead_q, fault_double_q;
  logic [7:0]           fault_slow_q [2];
  logic [NumNodes-1:0]  fault_upset_q, fault_event_hold_q;
  logic [11:0]          fault_upset_offset_q;
  logic [31:0]          fault_upset_bits_q;

  always_ff @(posedge clk_i) begin
    halt_q              <= halt_i;
    fault_flip_q        <= fault_flip_i;
    fault_drop_q        <= fault_drop_i;
    fault_answer_drop_q <= fault_answer_drop_i;
    fault_babble_q      <= fault_babble_i;
    fault_forge_q       <= fault_forge_i;
    fault_hold_q        <= fault_hold_i;
  end

  // These rest while none is on. A node whose ring stops or goes on, or that is upset, needs edges
  // for it; after an upset for what it brings about.
  logic [2:0]                fault_on_q;
  logic [2:0][NumNodes-1:0]  upset_q;
  logic [NumNodes-1:0]       event_held_q, fault_wake;

  assign fault_upset_q = upset_q[0];
  assign fault_wake    = upset_q[0] | upset_q[1] | upset_q[2] | (fault_event_hold_q ^ event_held_q);

  always_ff @(posedge clk_i) begin
    if (!rst_ni || fault_enable_i || (fault_on_q != '0)) begin
      fault_on_q           <= rst_ni ? {fault_on_q[1:0], fault_enable_i} : '0;
      upset_q              <= {upset_q[1:0], on(fault_upset_i)};
      fault_event_hold_q   <= on(fault_event_hold_i);
      event_held_q         <= fault_event_hold_q;
      fault_upset_offset_q <= fault_upset_offset_i;
      fault_upset_bits_q   <= fault_upset_bits_i;
      fault_dead_q         <= fault_dead_i & {2{fault_enable_i}};
      fault_double_q       <= fault_double_i & {2{fault_enable_i}};
      for (int unsigned b = 0; b < 2; b++) begin
        fault_stuck_mask_q[b]  <= fault_stuck_mask_i[b] & {DataWidth{fault_enable_i}};
        fault_stuck_value_q[b] <= fault_stuck_value_i[b];
        fault_partition_q[b]   <= on(fault_partition_i[b]);
        fault_slow_q[b]        <= fault_slow_i[b] & {8{fault_enable_i}};
        fault_answer_flip_q[b] <= fault_answer_flip_i[b] & {64{fault_enable_i}};
        fault_strobes_q[b]     <= fault_strobes_i[b] & {3{fault_enable_i}};
      end
    end
  end

  function automatic logic [NumNodes-1:0] on(input logic [NumNodes-1:0] nodes);
    return nodes & {NumNodes{fault_enable_i}};
  endfunction

  // ---- The nodes' sides ---------------------------------------------------------------------

  logic [1:0]           node_request_control [NumNodes], node_request_data [NumNodes];
  logic [1:0]           node_valid [NumNodes], node_last [NumNodes], node_grant [NumNodes];
  logic [DataWidth-1:0] node_data [NumNodes][2];
  logic [1:0]           node_accepted [NumNodes], node_busy [NumNodes];
  logic [1:0]           node_corrupt [NumNodes], node_refused [NumNodes];
  logic [NumNodes-1:0]  node_idle;

  strobes_t             strobes [2];
  logic [1:0]           node_deaf [NumNodes];  // does not hear the beat
  logic [DataWidth-1:0] data    [2];
  answers_t             answers [2];
  offence_t [1:0]       offence;
  logic [1:0]           bus_idle;

  for (genvar b = 0; b < 2; b++) begin : gen_bus

    // ---- Controller, behind the rogue port ------------------------------------------------------

    logic [NumNodes-1:0]  lane_request_control, lane_request_data, lane_valid, lane_last;
    logic [NumNodes-1:0]  lane_grant;
    logic [DataWidth-1:0] lane_data [NumNodes];
    logic [NumNodes-1:0]  rogue_request_control, rogue_request_data, rogue_valid, rogue_last;
    logic [NumNodes-1:0]  rogue_grant;
    logic [DataWidth-1:0] rogue_data [NumNodes];
    logic [NumNodes-1:0]  request_control, request_data, valid, last, grant;
    strobes_t             granted, sent;
    logic [DataWidth-1:0] granted_data, second_data, sent_data;
    logic                 controller_idle, rogue_idle, faulty_idle;

    for (genvar i = 0; i < NumNodes; i++) begin : gen_lane
      assign lane_request_control[i] = node_request_control[i][b];
      assign lane_request_data[i]    = node_request_data[i][b];
      assign lane_valid[i]           = node_valid[i][b];
      assign lane_last[i]            = node_last[i][b];
      assign lane_data[i]            = node_data[i][b];
      assign node_grant[i][b]        = lane_grant[i];
    end

    rogue_port #(
      .NumNodes (NumNodes),
      .DataWidth(DataWidth),
      .Seed     (32'h5EED_0001 + 32'(b))
    ) u_rogue (
      .clk_i,
      .rst_ni,
      .babble_i         (fault_babble_q),
      .forge_i          (fault_forge_q),
      .hold_i           (fault_hold_q),
      .request_control_i(lane_request_control),
      .request_data_i   (lane_request_data),
      .valid_i          (lane_valid),
      .last_i           (lane_last),
      .data_i           (lane_data),
      .grant_o          (lane_grant),
      .request_control_o(rogue_request_control),
      .request_data_o   (rogue_request_data),
      .valid_o          (rogue_valid),
      .last_o           (rogue_last),
      .data_o           (rogue_data),
      .grant_i          (rogue_grant),
      .idle_o           (rogue_idle)
    );

    faulty_controller #(
      .NumNodes (NumNodes),
      .DataWidth(DataWidth)
    ) u_faulty (
      .clk_i,
      .rst_ni,
      .dead_i           (fault_dead_q[b]),
      .slow_i           (fault_slow_q[b]),
      .double_i         (fault_double_q[b]),
      .request_control_i(rogue_request_control),
      .request_data_i   (rogue_request_data),
      .valid_i          (rogue_valid),
      .last_i           (rogue_last),
      .data_i           (rogue_data),
      .grant_o          (rogue_grant),
      .request_control_o(request_control),
      .request_data_o   (request_data),
      .valid_o          (valid),
      .last_o           (last),
      .data_o           (second_data),
      .grant_i          (grant),
      .collision_o      (wire_collision_o[b]),
      .idle_o           (faulty_idle)
    );

    bus_controller #(
      .NumNodes (NumNodes),
      .DataWidth(DataWidth)
    ) u_controller (
      .clk_i,
      .rst_ni,
      .halted_i         (halt_q),
      .request_control_i(request_control),
      .request_data_i   (request_data),
      .valid_i          (valid),
      .last_i           (last),
      .data_i           (rogue_data),
      .grant_o          (grant),
      .strobes_o        (granted),
      .data_o           (granted_data),
      .start_o          (start_o[b]),
      .source_o         (start_source_o[b]),
      .offence_o        (offence[b]),
      .idle_o           (controller_idle)
    );

    // ---- The wires ----------------------------------------------------------------------------

    assign sent             = granted | fault_strobes_q[b];
    assign sent_data        = granted_data | second_data;
    assign strobes[b].valid = sent.valid && !fault_drop_q[b];
    assign strobes[b].first = sent.first;
    assign strobes[b].last  = sent.last;
    assign data[b]          = ((sent_data ^ fault_flip_q[b]) & ~fault_stuck_mask_q[b]) |
                              (fault_stuck_value_q[b] & fault_stuck_mask_q[b]);

    // ---- Partition ----------------------------------------------------------------------------

    // Nodes on the other side than a sender: that of the beat on the wires, and that of the packet
    // whose answer slot it is.
    logic [AnswerSlots:0][3:0] source_q;
    logic [NumNodes-1:0]       deaf, far;

    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        source_q <= '0;
      end else begin
        if (start_o[b]) source_q[0] <= start_source_o[b];
        source_q[AnswerSlots:1] <= source_q[AnswerSlots-1:0];
      end
    end

    always_comb begin
      deaf = '0;
      far  = '0;
      if (fault_partition_q[b] != '0) begin
        deaf = others(fault_partition_q[b], source_q[0]);
        far  = others(fault_partition_q[b], source_q[AnswerSlots]);
      end
    end

    for (genvar i = 0; i < NumNodes; i++) begin : gen_deaf
      assign node_deaf[i][b] = deaf[i];
    end

    // ---- Answers ------------------------------------------------------------------------------

    // Last beats of the cycles before; the oldest has its answer slot now.
    logic [AnswerSlots-1:0] answer_q;
    logic                   answering;
    assign answering = answer_q[AnswerSlots-1];

    always_ff @(posedge clk_i) begin
      if (!rst_ni) answer_q <= '0;
      else answer_q <= {answer_q[AnswerSlots-2:0], sent.last};
    end

    always_comb begin
      answers[b] = '0;
      if (answering && !fault_answer_drop_q[b]) begin
        for (int unsigned i = 0; i < NumNodes; i++) begin
          if (!halt_q[i] && !far[i]) begin
            answers[b].accepted[i] = node_accepted[i][b];
            answers[b].busy[i]     = node_busy[i][b];
            answers[b].corrupt[i]  = node_corrupt[i][b];
            answers[b].refused[i]  = node_refused[i][b];
          end
        end
        answers[b] ^= fault_answer_flip_q[b];
      end
    end

    assign bus_idle[b] = controller_idle && rogue_idle && faulty_idle && (answer_q == '0);

    // ---- Observation --------------------------------------------------------------------------

    assign wire_valid_o[b]    = sent.valid;
    assign wire_first_o[b]    = sent.first;
    assign wire_last_o[b]     = sent.last;
    assign wire_data_o[b]     = data[b];
    assign sent_data_o[b]     = sent_data;
    assign answers_o[b]       = answers[b];
    assign offence_valid_o[b] = offence[b].valid;
    assign offence_o[b]       = offence[b].offence;
    assign offender_o[b]      = offence[b].offender;
  end

  for (genvar i = 0; i < NumNodes; i++) begin : gen_node
    node #(
      .NumNodes   (NumNodes),
      .RamBytes   (RamBytes),
      .DataWidth  (DataWidth),
      .ClockGating(ClockGating)
    ) u_node (
      .clk_i,
      .rst_ni,
      .halt_i           (halt_i[i]),
      .upset_i          (fault_upset_q[i]),
      .upset_offset_i   (fault_upset_offset_q),
      .upset_bits_i     (fault_upset_bits_q),
      .event_hold_i     (fault_event_hold_q[i]),
      .fault_wake_i     (fault_wake[i]),
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
      .valid_o          (node_valid[i]),
      .last_o           (node_last[i]),
      .data_o           (node_data[i]),
      .grant_i          (node_grant[i]),
      .strobes_i        (strobes),
      .deaf_i           (node_deaf[i]),
      .data_i           (data),
      .accepted_o       (node_accepted[i]),
      .busy_o           (node_busy[i]),
      .corrupt_o        (node_corrupt[i]),
      .refused_o        (node_refused[i]),
      .answers_i        (answers),
      .offence_i        (offence),
      .idle_o           (node_idle[i])
    );
  end

  assign idle_o = (node_idle == '1) && (bus_idle == '1) && (fault_wake == '0);

  /// Of a partition, the side that this node is not on.
  function automatic logic [NumNodes-1:0] others(input logic [NumNodes-1:0] partition,
                                                 input logic [3:0] node);
    others = partition;
    for (int unsigned i = 0; i < NumNodes; i++) begin
      if ((node == 4'(i)) && partition[i]) others = ~partition;
    end
  endfunction

endmodule
