/*
 * The numbers of the connector protocol (docs/connector-protocol.md): types, kinds, actions, results, notices.
 */
#ifndef ISTHMUS_PROOFS_CODEC_CONNECTOR_KINDS_H
#define ISTHMUS_PROOFS_CODEC_CONNECTOR_KINDS_H

enum connector_type {
    CONNECTOR_NONE = 0,
    CONNECTOR_MANIFEST = 1,
    CONNECTOR_CONFIGURE = 2,
    CONNECTOR_CONFIGURED = 3,
    CONNECTOR_SUBSCRIBE = 4,
    CONNECTOR_CREDIT = 5,
    CONNECTOR_UNSUBSCRIBE = 6,
    CONNECTOR_POSITION = 7,
    CONNECTOR_HEADER = 10,
    CONNECTOR_RECORDS = 11,
    CONNECTOR_EVIDENCE = 12,
    CONNECTOR_ASK_HEADER = 13,
    CONNECTOR_ASK_AGAIN = 14,
    CONNECTOR_OFFENCE = 15,
    CONNECTOR_SUBMIT = 20,
    CONNECTOR_RESULT = 21,
    CONNECTOR_ASK_RESULT = 22,
    CONNECTOR_POSITION_IS = 24,
    CONNECTOR_ASK_STATUS = 30,
    CONNECTOR_STATUS = 31,
    CONNECTOR_NOTICE = 32,
    CONNECTOR_CANNOT = 33,
    CONNECTOR_ACCOUNT = 34,
};

/* Log kinds of the protocol, as in docs/formats.md section 2. */
enum connector_log_kind { CONNECTOR_LOG_MESSAGE = 1, CONNECTOR_LOG_OUTCOME = 2, CONNECTOR_LOG_SETTLEMENT = 3 };

enum connector_evidence_kind {
    CONNECTOR_EVIDENCE_SLOT = 1,
    CONNECTOR_EVIDENCE_RECEIPTS = 2,
    CONNECTOR_EVIDENCE_ICS23 = 3
};

enum connector_offence_kind { CONNECTOR_OFFENCE_DOUBLE_VOTE = 1 };

enum connector_action {
    CONNECTOR_DELIVER = 1,
    CONNECTOR_SETTLE = 2,
    CONNECTOR_EXECUTE = 3,
    CONNECTOR_EXPIRE = 4,
    CONNECTOR_CLOSE = 5,
};

enum connector_outcome {
    CONNECTOR_CONFIRMED = 1,
    CONNECTOR_REJECTED = 2,
    CONNECTOR_UNKNOWN = 3,
    CONNECTOR_SENT = 4,
};

enum connector_notice_code {
    CONNECTOR_NOTICE_REORGANISED = 1,
    CONNECTOR_NOTICE_FINALITY_BROKEN = 2,
    CONNECTOR_NOTICE_UNREACHABLE = 3,
    CONNECTOR_NOTICE_BACK = 4,
    CONNECTOR_NOTICE_NONSENSE = 5,
    CONNECTOR_NOTICE_PRUNED = 6,
    CONNECTOR_NOTICE_LOW_BALANCE = 7,
    CONNECTOR_NOTICE_SPENDING_NEAR = 8,
    CONNECTOR_NOTICE_SPENDING_STOPPED = 9,
    CONNECTOR_NOTICE_ACCOUNT_GOOD = 10,
};

/* How the submitting account stands to its spending cap. */
enum connector_spending {
    CONNECTOR_SPENDING_OPEN = 1,
    CONNECTOR_SPENDING_NEAR = 2,    /* four fifths of the cap are spent or promised */
    CONNECTOR_SPENDING_STOPPED = 3, /* what was to be sent would pass the cap: it was rejected */
};

#endif
