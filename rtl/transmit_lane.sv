// Transmit lane: carries one packet at a time over one bus, to its end.
//
//   Idle ─► Request ─► Send ─► Wire ─► Answer ─► Decide ─► Idle           accepted by all
//            ▲   └─► Withdraw ─────────────────►   │
//            │                                     ▼
//            ├───────────────────────────────── Weigh ─► the other lane   a better path
//            └── Backoff ◄─────────────────────────┘ └─► Idle             given up
//
// (Report is a stop on the way to Idle while the event of the packet before is still waiting.)
//
// The answers come in the second cycle after the last beat and are captured; the next packet can
// be taken in the cycle after that, so packets follow each other every beats + 4 cycles. What the
// answers mean, and where the packet is tried next, is said in transmit_verdict. Without a grant in
// time, or when the grant ends before the packet, nobody has answered.
//
// The grant belongs to the free-running clock, as the answers and the tick: they are only
// captured. While the lane waits for its grant nothing here changes, so its clock may stand still,
// and while it sends nothing but its packet stream, which has a clock of its own; the first beat is
// taken in the very cycle of the grant. The grant timeout counts ticks, one more
// than its limit because the first comes early. Then the request is taken back first (Withdraw):
// the bus may just have granted it. A lane that makes way for an urgent packet does the same,
// see send_park; in Backoff it does so at once.
//
// When the engine is disabled in the middle of a packet, the lane stops driving.

`include "assertions.svh"

module transmit_lane
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
#(
  parameter int unsigned NumNodes  = 4,
  /// The bus of this lane. X goes before Y at the read port of node RAM.
  parameter bus_id_e     Bus       = BusIdX,
  /// Bits of a beat: 32 or 64.
  parameter int unsigned DataWidth = 32
) (
  input  logic          clk_i,
  /// The packet stream's clock.
  input  logic          clk_stream_i,
  /// Low also while the engine is disabled.
  input  logic          rst_ni,
  /// This node's number and incarnation, for the header.
  input  logic [3:0]    node_i,
  input  logic [3:0]    epoch_i,
  input  limits_t       limits_i,
  /// One cycle in TickCycles while a lane of this node waits for its bus.
  input  logic          tick_i,
  /// A new packet from the scheduler.
  input  logic          job_valid_i,
  input  job_t          job_i,
  /// Cycles that it pauses first, if it is one that made way in its pause; else 0.
  input  pause_t        job_pause_i,
  output logic          job_ready_o,
  /// A data packet that waits ought to make way; it does, unless it is granted now.
  input  logic          yield_i,
  output logic          yields_o,
  output job_t          yielded_o,
  output pause_t        yielded_pause_o,
  /// The flows that this lane holds: destinations of one class.
  output logic          active_o,
  output nodes_t        held_o,
  output logic          class_o,
  /// Destinations that are done with and have got the packet, or may have; and its number.
  output nodes_t        settled_o,
  output logic [15:0]   number_o,
  /// A packet for the other lane, and one from it. Two lanes that both want to move swap.
  output logic          move_valid_o,
  output job_t          move_job_o,
  input  logic          move_ready_i,
  input  logic          move_valid_i,
  input  job_t          move_job_i,
  output logic          move_ready_o,
  /// Paths on this bus and on the other one.
  input  nodes_t        here_suspect_i,
  input  nodes_t        here_down_i,
  input  nodes_t        there_suspect_i,
  input  nodes_t        there_down_i,
  /// What an attempt has shown of this bus's paths, for one cycle.
  output nodes_t        good_o,
  output nodes_t        missing_o,
  output nodes_t        corrupt_o,
  /// Payload, from node RAM: the data comes in the cycle after the request was taken.
  output logic          read_valid_o,
  output line_address_t read_address_o,
  input  logic          read_ready_i,
  input  line_t         read_data_i,
  /// The bus. From the request on the beat at hand is valid; the grant takes it.
  output logic                 request_control_o,
  output logic                 request_data_o,
  output logic                 valid_o,
  output logic                 last_o,
  output logic [DataWidth-1:0] data_o,
  input  logic                 grant_i,
  input  answers_t             answers_i,
  /// The fate of a packet from a ring; and, for one cycle, of another.
  output logic          event_valid_o,
  output event_entry_t  event_o,
  input  logic          event_ready_i,
  output fate_t         fate_o,
  /// One-cycle counter pulses.
  output counts_t       counts_o,
  /// The lane sends: its clock is only needed at the end, or when the grant ends.
  output logic          sending_o,
  /// The next edge changes something without tick, a packet from outside, or a grant: of clk_i,
  /// of clk_stream_i.
  output logic          busy_o,
  output logic          stream_busy_o,
  output logic          idle_o
);

  typedef enum logic [3:0] {
    Idle,
    Request,
    Withdraw,
    Send,
    Wire,
    Answer,
    Decide,
    Weigh,
    Backoff,
    Report
  } state_e;

  state_e       state_q;
  job_t         job_q;
  nodes_t       tried_q;    // destinations of this attempt
  answers_t     answers_q;
  pause_t       wait_q;     // Request: ticks gone; Backoff: cycles left
  logic         yields_q;   // Withdraw: to make way

  // ---- Fate ---------------------------------------------------------------------------------

  job_t   judged;
  nodes_t busy, refused, settled, here, there;
  logic   pause;

  transmit_verdict u_verdict (
    .decide_i    (state_q == Decide),
    .weigh_i     (state_q == Weigh),
    .busy_limit_i(limits_i.busy),
    .job_i       (job_q),
    .tried_i     (tried_q),
    .answers_i   (answers_q),
    .here_suspect_i,
    .here_down_i,
    .there_suspect_i,
    .there_down_i,
    .job_o       (judged),
    .good_o,
    .missing_o,
    .corrupt_o,
    .busy_o      (busy),
    .refused_o   (refused),
    .settled_o   (settled),
    .here_o      (here),
    .pause_o     (pause),
    .there_o     (there)
  );

  // A packet ends in Decide or Weigh, and leaves when its end is reported.
  logic   reported, ends, accepted, wants_move, moves;
  assign ends       = ((state_q == Decide) || (state_q == Weigh)) && (judged.left == '0);
  assign accepted   = (state_q == Decide) && ends && (judged.status == SendStatusOk);
  assign wants_move = (state_q == Weigh) && (here == '0) && (there != '0);
  assign moves      = wants_move && move_ready_i;

  // ---- The next attempt -----------------------------------------------------------------------

  // A moved packet goes before a new one. A lane takes it when free, or in exchange for its own.
  logic free, start, forced, pauses, begins, control, makes_way;
  job_t started;
  assign free         = (state_q == Idle) || (accepted && reported);
  assign job_ready_o  = free && !move_valid_i;
  assign move_ready_o = free || wants_move;
  assign move_valid_o = wants_move;
  assign start        = job_valid_i || (move_valid_i && move_ready_o);
  assign started      = job_valid_i ? job_i : move_job_i;
  assign forced       = started.offer.route != RouteAny;
  assign pauses       = job_valid_i && (job_pause_i != '0);

  always_comb begin
    move_job_o = '0;
    if (wants_move) begin
      move_job_o       = judged;
      move_job_o.moves = job_q.moves + 3'd1;
    end
  end

  nodes_t         try;  // destinations of the next attempt
  packet_header_t header;
  always_comb begin
    begins  = 1'b0;
    try     = tried_q;
    header  = '0;
    if (start) begin
      try    = forced ? started.left : started.left & ~here_down_i;
      begins = (try != '0) && !pauses;
    end else if (state_q == Weigh) begin
      try    = here;
      begins = (here != '0) && !pause;
    end else if (state_q == Backoff) begin
      begins = (wait_q == '0) && !makes_way;
    end
    if (begins) begin
      header = start ? header_of(started.offer, try, node_i, epoch_i, started.sequence_number)
                     : header_of(job_q.offer, try, node_i, epoch_i, job_q.sequence_number);
    end
  end

  // 16 cycles after the first busy answer, doubled for each further one, to 1024.
  function automatic pause_t pause_of(input logic [15:0] answers);
    return (answers < 16'd7) ? 11'd8 << answers[2:0] : 11'd1024;
  endfunction

  logic last;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q   <= Idle;
      job_q     <= '0;
      tried_q   <= '0;
      answers_q <= '0;
      wait_q    <= '0;
      yields_q  <= 1'b0;
    end else if (start) begin
      state_q <= begins ? Request : (try != '0) ? Backoff : Weigh;
      job_q   <= started;
      tried_q <= try;
      wait_q  <= pauses ? job_pause_i : '0;
    end else begin
      unique case (state_q)
        Idle: ;
        Request: begin
          if (grant_i) begin
            state_q <= Send;
          end else if (makes_way) begin
            state_q  <= Withdraw;
            yields_q <= 1'b1;
          end else if (tick_i) begin
            if (wait_q == pause_t'(limits_i.grant_ticks)) state_q <= Withdraw;
            else wait_q <= wait_q + pause_t'(1);
          end
        end
        Withdraw: begin
          state_q  <= grant_i ? Send : yields_q ? Idle : Decide;
          yields_q <= 1'b0;
          if (!grant_i) answers_q <= '0;
        end
        Send: begin
          if (!grant_i) begin
            state_q   <= Decide;
            answers_q <= '0;
          end else if (last) begin
            state_q <= Wire;
          end
        end
        Wire: state_q <= Answer;
        Answer: begin
          state_q   <= Decide;
          answers_q <= answers_i;
        end
        Decide: begin
          job_q   <= judged;
          state_q <= !ends ? Weigh : reported ? Idle : Report;
        end
        Weigh: begin
          if (ends || (here != '0) || moves) job_q <= judged;
          if (ends) begin
            state_q <= reported ? Idle : Report;
          end else if (here != '0) begin
            state_q <= pause ? Backoff : Request;
            tried_q <= here;
            wait_q  <= pause ? pause_of(job_q.busy) : '0;
          end else if (moves) begin
            state_q <= Idle;
          end
        end
        Backoff: begin
          if (makes_way) state_q <= Idle;
          else if (begins) state_q <= Request;
          else wait_q <= wait_q - pause_t'(1);
        end
        default: if (reported) state_q <= Idle;
      endcase
    end
  end

  // ---- The packet -----------------------------------------------------------------------------

  logic ready, second;

  packet_stream #(
    .DataWidth (DataWidth),
    .Precedence(Bus == BusIdX)
  ) u_stream (
    .clk_i    (clk_stream_i),
    .rst_ni,
    .start_i  (begins),
    .header_i (header),
    .kind_i   (job_q.offer.kind),
    .length_i (job_q.offer.length),
    .address_i(job_q.offer.address),
    .window_i (job_q.offer.window),
    .request_i(job_q.offer.request),
    .asking_i ((state_q == Request) || (state_q == Withdraw)),
    .sending_i(state_q == Send),
    .grant_i,
    .ready_o  (ready),
    .data_o,
    .last_o   (last),
    .second_o (second),
    .read_valid_o,
    .read_address_o,
    .read_ready_i,
    .read_data_i,
    .busy_o   (stream_busy_o)
  );

  assign control           = job_q.offer.traffic_class || (job_q.moves != '0);
  assign makes_way         = yield_i && (((state_q == Request) && !control) ||
                             ((state_q == Backoff) && !job_q.offer.traffic_class));
  assign yields_o          = yields_q || ((state_q == Backoff) && makes_way);
  assign yielded_o         = job_q;
  assign yielded_pause_o   = (state_q == Backoff) ? wait_q : '0;
  assign request_control_o = (state_q == Request) && ready && control;
  assign request_data_o    = (state_q == Request) && ready && !control;
  assign valid_o           = (state_q == Request) || (state_q == Withdraw) || (state_q == Send);
  assign last_o            = last;

  // ---- Reports ------------------------------------------------------------------------------

  packet_header_t done_header;
  always_comb begin
    done_header = '0;
    if (ends || (state_q == Report)) begin
      done_header = header_of(job_q.offer, job_q.offer.destinations, node_i, epoch_i,
                              job_q.sequence_number);
    end
  end

  transmit_report #(
    .Bus(Bus)
  ) u_report (
    .clk_i,
    .rst_ni,
    .ends_i  (ends),
    .waits_i (state_q == Report),
    .status_i((state_q == Report) ? job_q.status : judged.status),
    .missed_i((state_q == Report) ? job_q.missed : judged.missed),
    .origin_i(job_q.offer.origin),
    .cookie_i(job_q.offer.cookie),
    .header_i(done_header),
    .ready_o (reported),
    .event_valid_o,
    .event_o,
    .event_ready_i,
    .fate_o
  );

  always_comb begin
    counts_o           = '0;
    counts_o.sent      = (state_q == Send) && second;
    counts_o.accepted  = (state_q == Decide) && ((tried_q & ~answers_q.accepted) == '0);
    counts_o.busy      = (state_q == Decide) && (busy != '0);
    counts_o.corrupt   = corrupt_o != '0;
    counts_o.no_answer = missing_o != '0;
    counts_o.denied    = refused != '0;
    counts_o.moved     = moves;
  end

  assign active_o      = (state_q != Idle) && !accepted;
  assign held_o        = job_q.left;
  assign class_o       = job_q.offer.traffic_class;
  assign settled_o     = (state_q == Decide) || ends || (here != '0) || moves ? settled : '0;
  assign number_o      = job_q.sequence_number;
  assign idle_o        = (state_q == Idle) && !event_valid_o;
  assign sending_o     = state_q == Send;

  always_comb begin
    unique case (state_q)
      Idle:              busy_o = event_valid_o;
      Request:           busy_o = event_valid_o || makes_way;
      Send:              busy_o = event_valid_o || last;
      Weigh:             busy_o = event_valid_o || !wants_move || move_ready_i;
      default:           busy_o = 1'b1;
    endcase
  end

  // Rules.
  `XYBUS_RULE(StartOnlyWhenFree, !start || free || (move_valid_o && move_ready_i && !job_valid_i))
  `XYBUS_RULE(OnlyOneSource, !(job_valid_i && move_valid_i && move_ready_o))
  `XYBUS_RULE(StartHasDestinations, !start || ((started.left != '0) &&
              ((started.left >> NumNodes) == '0) &&
              ((started.left & ~started.offer.destinations) == '0)))
  `XYBUS_RULE(AttemptIsWanted, !valid_o || ((tried_q != '0) && ((tried_q & ~job_q.left) == '0)))
  `XYBUS_RULE(LeftAndMissedDiffer, (job_q.left & job_q.missed) == '0)

endmodule
